"""Which management scopes a token still has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import snapshot

if TYPE_CHECKING:
    from tenants.records import ApiRecord, TenantSnapshot
    from tokens.gate import AcceptedToken

MANAGEMENT: Final = "management"
NOTHING_HELD: Final[frozenset[str]] = frozenset()


def find_management_api(tenant: TenantSnapshot) -> ApiRecord | None:
    """Find the tenant's management Api where it is enabled."""
    found = next((api for api in tenant.apis.values() if api.built_in == MANAGEMENT), None)
    return found if found and found.is_enabled else None


def is_for_management_alone(tenant: TenantSnapshot, token: AcceptedToken) -> bool:
    """Say whether the management Api is a token's only audience.

    Another receiver of a shared token could use it here. Source: RFC 9700 section 2.3.
    """
    api = find_management_api(tenant)
    return api is not None and token.api_ids == (api.id,)


def held_scopes(tenant: TenantSnapshot, token: AcceptedToken) -> frozenset[str]:
    """Answer the management scopes that a client's own token has and its client still holds.

    None for a token that anybody else receives, speaks for a user, or whose client may not act.
    """
    api = find_management_api(tenant)
    if api is None or token.api_ids != (api.id,) or token.audiences != (api.audience,):
        return NOTHING_HELD
    client = snapshot.CURRENT.client(tenant, token.client_id)
    if client is None or client.id != token.client or not client.is_enabled or token.subject_id:
        return NOTHING_HELD
    known = (tenant.scopes.get(name) for name in token.scopes)
    return frozenset(
        scope.name
        for scope in known
        if scope is not None and scope.api_id == api.id and scope.id in client.scope_ids
    )
