"""What a resource server may know of a token. Source: RFC 7662."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import gate
from tokens.answers import Answer
from tokens.claim_profiles import RFC9068, UnknownClaimProfile, resolve_profile
from tokens.claims import build_claims, extra_claims
from tokens.client_authentication import authenticate, require_confidential
from tokens.endpoints.view import EndpointView
from tokens.token_facts import record_of

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        JSON,
        ApiRecord,
        ClientRecord,
        PresentedRefreshToken,
        TenantSnapshot,
    )
    from tokens.claim_profiles import ClaimProfileData
    from tokens.gate import AcceptedToken
    from tokens.parameters import EndpointRequest

# Whatever is wrong, the answer is the same. Source: RFC 7662 section 2.2.
INACTIVE: dict[str, JSON] = {"active": False}


def answer_introspection(request: EndpointRequest) -> Answer:
    """Start from inactive; only the token's own client and its Apis' servers earn more."""
    client = authenticate(request)
    require_confidential(client)
    text = request.parameters.require("token")
    token = gate.accept(request.tenant, text, accept_symmetric=True)
    if token is not None:
        return Answer(_describe(request.tenant, client, token))
    refresh = gate.look_up_refresh(request.tenant, text)
    if refresh is not None and refresh.client == client.id:
        return Answer(_describe_refresh(request.tenant, refresh))
    return Answer(INACTIVE)


def _describe(
    tenant: TenantSnapshot, client: ClientRecord, token: AcceptedToken
) -> dict[str, JSON]:
    apis = [tenant.apis[api_id] for api_id in token.api_ids if api_id in tenant.apis]
    if token.client != client.id:
        apis = [api for api in apis if client.id in api.resource_server_ids]
        if not apis:
            return INACTIVE
        return _describe_for(tenant, token, apis)
    return _describe_part(tenant, token, token.scopes, token.audiences, api_ids=token.api_ids)


def _describe_for(
    tenant: TenantSnapshot, token: AcceptedToken, apis: list[ApiRecord]
) -> dict[str, JSON]:
    """Describe the part of a token that concerns a resource server. Source: RFC 7662 section 4."""
    served = {api.id for api in apis}
    known = tenant.scopes
    scopes = tuple(s for s in token.scopes if s in known and known[s].api_id in served)
    audiences = tuple(api.audience for api in apis)
    return _describe_part(tenant, token, scopes, audiences, api_ids=tuple(served))


def _describe_part(
    tenant: TenantSnapshot,
    token: AcceptedToken,
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    *,
    api_ids: tuple[UUID, ...],
) -> dict[str, JSON]:
    """Answer the standard's names, and beside them those of the token's claim profile."""
    profile, is_dual = _profile_of(tenant, token)
    extra = extra_claims(
        tenant.claim_rules,
        api_ids=api_ids,
        client_id=token.client,
        grant_types=(token.grant_type,),
    )
    record = record_of(tenant, token, scopes=scopes, audiences=audiences, extra_claims=extra)
    claims = build_claims(profile, record, is_dual=is_dual)
    standard: dict[str, JSON] = {
        "active": True,
        "scope": " ".join(scopes),
        "client_id": token.client_id,
        "token_type": "Bearer",
        "exp": token.expires_at,
        "iat": token.issued_at,
        "sub": record.subject or token.client_id,
        "aud": audiences[0] if len(audiences) == 1 else [*audiences],
        "iss": claims.get("iss", tenant.issuer),
        "jti": claims.get("jti", str(token.id)),
    }
    return {**claims, **standard}


def _profile_of(tenant: TenantSnapshot, token: AcceptedToken) -> tuple[ClaimProfileData, bool]:
    """Find the profile that the token was made by; a deleted one leaves the standard's names."""
    try:
        return resolve_profile(tenant, token.claim_profile)
    except UnknownClaimProfile:
        return RFC9068, False


def _describe_refresh(tenant: TenantSnapshot, refresh: PresentedRefreshToken) -> dict[str, JSON]:
    return {
        "active": True,
        "scope": " ".join(refresh.scopes),
        "client_id": refresh.client_id,
        "token_type": "refresh_token",
        "exp": refresh.expires_at,
        "iat": refresh.issued_at,
        "sub": str(refresh.subject_id) if refresh.subject_id else refresh.client_id,
        "iss": tenant.issuer,
    }


class IntrospectView(EndpointView):
    """`/oauth/introspect`."""

    operation: ClassVar[str] = "introspect"

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_introspection(request)
