"""What of a person's agreement a token may have: at the Apis it is for, by who vouches for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.effective_settings import OPENID

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from tenants.records import TenantSnapshot


def select_scopes(
    tenant: TenantSnapshot, agreed: tuple[str, ...], audiences: Collection[str]
) -> tuple[str, ...]:
    """Answer the agreed scopes of the Apis that a token shall be for, all if none is named.

    Source: RFC 8707 section 2.2.
    """
    if not audiences:
        return agreed
    apis = tenant.apis.values()
    ids = {api.id for api in apis if api.audience in audiences or api.built_in == OPENID}
    scopes = tenant.scopes
    return tuple(name for name in agreed if name in scopes and scopes[name].api_id in ids)


def vouched_scopes(tenant: TenantSnapshot, profile_id: UUID | None) -> frozenset[str] | None:
    """Answer what a person may get who signed in with an outside issuer; None for everything.

    Nothing is left where the issuer's trust profile is gone.
    """
    if profile_id is None:
        return None
    for profile in tenant.trust_profiles:
        if profile.id == profile_id:
            return profile.maximum_scope
    return frozenset()
