"""Reads access policies as the management API shows them; the number of statements never grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import models
from tenants.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import Model, QuerySet

# The links of a policy: what they lead to, and by which name a document calls it.
LINKS: Final[dict[str, tuple[type[Model], str]]] = {
    "clients": (models.Client, "client_id"),
    "apis": (models.Api, "slug"),
    "scopes": (models.Scope, "name"),
    "subjects": (models.Subject, "pk"),
    "groups": (models.Group, "slug"),
    "trust_profiles": (models.TrustProfile, "slug"),
}


def list_policies(
    tenant_id: UUID, *, after: str, limit: int, effect: str = ""
) -> list[models.AccessPolicy]:
    """List at most `limit` policies behind the slug named by `after`; seven statements."""
    policies = _policies(tenant_id)
    if after:
        policies = policies.filter(slug__gt=after)
    if effect:
        policies = policies.filter(effect=effect)
    return list(policies.order_by("slug")[:limit])


def get_policy(tenant_id: UUID, policy_id: UUID) -> models.AccessPolicy:
    """Answer one policy; seven statements.

    Raises:
        NotFound: there is none in this tenant.
    """
    policy = _policies(tenant_id).filter(pk=policy_id).first()
    if policy is None:
        raise NotFound("no such policy")
    return policy


def find_targets(tenant_id: UUID, link: str, names: Collection[object]) -> dict[str, Model]:
    """Find what a link may name in the tenant, by name; one statement."""
    model, naming = LINKS[link]
    rows = model._default_manager.filter(tenant=tenant_id, **{f"{naming}__in": names})  # noqa: SLF001 - Django's public API.
    return {str(getattr(row, naming)): row for row in rows}


def _policies(tenant_id: UUID) -> QuerySet[models.AccessPolicy]:
    return (
        models.AccessPolicy.objects.filter(tenant=tenant_id)
        .select_related("tenant")
        .prefetch_related(*LINKS)
    )
