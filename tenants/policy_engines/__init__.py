"""The engines of access policies: each says whether a policy matches a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.policy_engines import allow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import AccessRequest, PolicyRecord

Engine: TypeAlias = "Callable[[PolicyRecord, AccessRequest], bool]"

ENGINES: Final[dict[str, Engine]] = {"allow": allow.is_match}
