"""What a request to the admin carries: who acts, in which tenant, and what was refused.

A ModelAdmin serves many requests at once, so none of it may stand on the ModelAdmin itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tenants.records import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

FORM_TENANT = "tenants.form_tenant"
REFUSALS = "tenants.refusals"
ISSUED_TEXT = "tenants.issued_text"


def actor_of(request: HttpRequest) -> Actor:
    """Name the operator who acts, as the audit does."""
    return Actor(
        kind="operator",
        id=str(request.user.pk),
        label=request.user.get_username(),
        address=request.META.get("REMOTE_ADDR", ""),
    )


def form_tenant_of(request: HttpRequest) -> UUID | None:
    """Answer the tenant of the entity whose form is shown."""
    tenant_id = request.META.get(FORM_TENANT)
    return tenant_id if isinstance(tenant_id, UUID) else None


def refusals_of(request: HttpRequest) -> Mapping[str, list[str]]:
    """Answer what a service refused during this request, by field."""
    refusals: Mapping[str, list[str]] = request.META.get(REFUSALS, {})
    return refusals


def parse_uuid(text: str | None) -> UUID | None:
    """Read a UUID that somebody sent; None for anything else."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
