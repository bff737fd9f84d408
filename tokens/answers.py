"""What an endpoint answers, before it becomes an HTTP response."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON

# Source: RFC 6749 section 5.1.
NO_STORE: Final[Mapping[str, str]] = MappingProxyType(
    {"Cache-Control": "no-store", "Pragma": "no-cache"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and a JSON object; no body where it is None.

    With `jwt`, that is sent in place of the object, whose members it has signed.
    """

    body: Mapping[str, JSON] | None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)
    jwt: str = ""
