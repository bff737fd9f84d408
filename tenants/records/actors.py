"""Who makes a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: an operator, a client, a credential, an end user, or the system."""

    kind: Literal["operator", "client", "master_token", "subject", "system"]
    id: str = ""
    label: str = ""
    address: str = ""


SYSTEM = Actor("system", label="system")
