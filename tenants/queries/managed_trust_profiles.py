"""Reads trust profiles as the management API shows them; the number of statements never grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import models
from tenants.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import Model, QuerySet

# The links of a profile: what they lead to, and by which name a document calls it.
LINKS: Final[dict[str, tuple[type[Model], str]]] = {
    "maximum_scopes": (models.Scope, "name"),
    "direct_apis": (models.Api, "slug"),
}


def list_trust_profiles(tenant_id: UUID, *, after: str, limit: int) -> list[models.TrustProfile]:
    """List at most `limit` profiles behind the slug named by `after`; three statements."""
    profiles = _profiles(tenant_id)
    if after:
        profiles = profiles.filter(slug__gt=after)
    return list(profiles.order_by("slug")[:limit])


def get_trust_profile(tenant_id: UUID, profile_id: UUID) -> models.TrustProfile:
    """Answer one profile; three statements.

    Raises:
        NotFound: there is none in this tenant.
    """
    profile = _profiles(tenant_id).filter(pk=profile_id).first()
    if profile is None:
        raise NotFound("no such trust profile")
    return profile


def find_targets(tenant_id: UUID, link: str, names: Collection[object]) -> dict[str, Model]:
    """Find what a link may name in the tenant, by name; one statement."""
    model, naming = LINKS[link]
    rows = model._default_manager.filter(tenant=tenant_id, **{f"{naming}__in": names})  # noqa: SLF001 - Django's public API.
    return {str(getattr(row, naming)): row for row in rows}


def find_reached_management_scopes(tenant_id: UUID, profile_id: UUID) -> frozenset[str]:
    """Name the management scopes of the clients that prove themselves by the profile."""
    scopes = models.Scope.objects.filter(
        tenant=tenant_id,
        api__built_in=models.Api.BuiltIn.MANAGEMENT,
        clients__workload_trust_profile=profile_id,
    )
    return frozenset(scopes.values_list("name", flat=True))


def _profiles(tenant_id: UUID) -> QuerySet[models.TrustProfile]:
    return (
        models.TrustProfile.objects.filter(tenant=tenant_id)
        .select_related("tenant")
        .prefetch_related(*LINKS)
    )
