"""The engine `allow`: its policies match wherever their links do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenants.records import AccessRequest, PolicyRecord


def is_match(policy: PolicyRecord, request: AccessRequest) -> bool:  # noqa: ARG001 - every engine is asked alike.
    """Say yes: the policy has no condition besides its links."""
    return True
