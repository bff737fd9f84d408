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


def held_scopes(tenant: TenantSnapshot, token: AcceptedToken) -> frozenset[str]:
    """Answer the management scopes that a client's own token has and its client still holds.

    There are none where anybody else receives the token, which could use it here, where it speaks
    for a user or for a subject of the client's application, or where its client may not act any
    more. Source: RFC 9700 section 2.3.
    """
    api = find_management_api(tenant)
    if api is None or token.api_ids != (api.id,) or token.audiences != (api.audience,):
        return NOTHING_HELD
    if token.subject_id or token.app_tenant_id or token.app_subject_id:
        return NOTHING_HELD
    client = snapshot.CURRENT.client(tenant, token.client_id)
    if client is None or client.id != token.client or not client.is_enabled:
        return NOTHING_HELD
    known = (tenant.scopes.get(name) for name in token.scopes)
    return frozenset(
        scope.name
        for scope in known
        if scope is not None and scope.api_id == api.id and scope.id in client.scope_ids
    )
