"""Who may see refusals, explanations and previews, in which tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from tenants.admin import permissions
from tenants.queries.operators import reach_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.http import HttpRequest

KIND = "refusal"


def may_see(request: HttpRequest, tenant_id: UUID | None = None) -> bool:
    """Say whether the operator may see why tokens are issued and refused, there or anywhere."""
    return permissions.is_allowed(reach_of(request), KIND, "view", tenant_id)


def require_sight(request: HttpRequest) -> Collection[UUID] | None:
    """Answer the tenants whose refusals the operator may see; None for all.

    Raises:
        PermissionDenied: there is none.
    """
    if not may_see(request):
        raise PermissionDenied
    return permissions.tenants_for(reach_of(request), KIND, "view")
