"""Reads trust profiles as the management API shows them: three statements, however many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import models
from tenants.queries.managed import Link, Managed

if TYPE_CHECKING:
    from uuid import UUID

# The links of a profile: what they lead to, and by which name a document calls it.
LINKS: Final[dict[str, Link]] = {
    "maximum_scopes": (models.Scope, "name"),
    "direct_apis": (models.Api, "slug"),
}
TRUST_PROFILES: Final = Managed(
    models.TrustProfile, lambda rows: rows.select_related("tenant").prefetch_related(*LINKS)
)


def find_reached_management_scopes(tenant_id: UUID, profile_id: UUID) -> frozenset[str]:
    """Name the management scopes of the clients that prove themselves by the profile."""
    scopes = models.Scope.objects.filter(
        tenant=tenant_id,
        api__built_in=models.Api.BuiltIn.MANAGEMENT,
        clients__workload_trust_profile=profile_id,
    )
    return frozenset(scopes.values_list("name", flat=True))
