"""Reads clients as the management API shows them; the number of statements never grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Prefetch

from tenants.errors import NotFound
from tenants.models import Client, ClientSecret, Scope, TrustProfile
from tenants.queries.managed import Link, Managed

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet

SCOPE_LINKS: Final = ("scopes", "default_scopes", "impersonation_scopes")
# The outside issuers of a client: what the links lead to, and by which name a document calls it.
PROFILE_LINKS: Final[dict[str, Link]] = {
    "sign_in_profiles": (TrustProfile, "slug"),
    "excluded_sign_in_profiles": (TrustProfile, "slug"),
}


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which clients a list shows; an absent value shows them all."""

    prefix: str = ""
    kind: str = ""
    is_enabled: bool | None = None


def _with_links(clients: QuerySet[Client]) -> QuerySet[Client]:
    scopes = Scope.objects.select_related("api")
    links = (Prefetch(name, scopes) for name in SCOPE_LINKS)
    related = ("tenant__environment", "workload_trust_profile")
    return clients.select_related(*related).prefetch_related(*links, *PROFILE_LINKS)


# Six statements, for one client and for a page.
CLIENTS: Final = Managed(Client, _with_links, order="client_id")
get_client = CLIENTS.get


def list_clients(tenant_id: UUID, wanted: ClientFilter, *, after: str, limit: int) -> list[Client]:
    """List at most `limit` clients behind the `client_id` named by `after`."""
    return CLIENTS.page(
        tenant_id,
        after=after,
        limit=limit,
        client_id__startswith=wanted.prefix,
        kind=wanted.kind,
        is_enabled=wanted.is_enabled,
    )


def list_secrets(client: Client) -> list[ClientSecret]:
    """List the client's secrets without what was hashed; one statement."""
    secrets = ClientSecret.objects.filter(tenant=client.tenant_id, client=client.pk)
    return list(secrets.order_by("created_at", "pk"))


def get_secret(client: Client, secret_id: UUID) -> ClientSecret:
    """Answer one secret of the client; one statement.

    Raises:
        NotFound: there is none.
    """
    secrets = ClientSecret.objects.filter(tenant=client.tenant_id, client=client.pk, pk=secret_id)
    secret = secrets.select_related("client").first()
    if secret is None:
        raise NotFound("no such secret")
    return secret


def find_scopes(tenant_id: UUID, names: Collection[str]) -> list[Scope]:
    """Find the tenant's scopes of these names, with their Apis; one statement."""
    return list(Scope.objects.filter(tenant=tenant_id, name__in=names).select_related("api"))


def find_trust_profile(tenant_id: UUID, slug: str) -> TrustProfile | None:
    """Find the tenant's trust profile of this name; one statement."""
    return TrustProfile.objects.filter(tenant=tenant_id, slug=slug).first()
