"""What a resource server may know of a token. Source: RFC 7662."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tenants import snapshot
from tenants.pairwise import name_subject
from tenants.policy import DESCRIPTIONS, Reason, decide_access
from tenants.records import INTROSPECTION, AccessRequest, SubjectRecord
from tokens import error_handler, gate, usage_counters
from tokens.answers import Answer
from tokens.claim_additions import select_rules, tell_claims
from tokens.claim_profiles import RFC9068, UnknownClaimProfile, resolve_profile
from tokens.client_authentication import authenticate, require_confidential
from tokens.endpoints import direct_introspection
from tokens.endpoints.view import EndpointView
from tokens.errors import AccessDenied
from tokens.gate import AcceptedToken
from tokens.request_facts import find_known, read_inputs
from tokens.token_facts import record_of

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        JSON,
        ApiRecord,
        Authentication,
        ClientRecord,
        PresentedRefreshToken,
        TenantSnapshot,
    )
    from tokens.claim_profiles import ClaimProfileData
    from tokens.parameters import EndpointRequest

# Whatever is wrong, the answer is the same. Source: RFC 7662 section 2.2.
INACTIVE: dict[str, JSON] = {"active": False}


def answer_introspection(request: EndpointRequest) -> Answer:
    """Start from inactive; only the token's own client and its Apis' servers earn more."""
    client = authenticate(request)
    require_confidential(client)
    text = request.parameters.require("token")
    token = gate.accept(request.tenant, text, accept_symmetric=True, accept_limited=True)
    if token is not None:
        return Answer(_describe(request, client, token))
    refresh = gate.look_up_refresh(request.tenant, text)
    if refresh is None:
        return Answer(direct_introspection.describe(request, client, text) or INACTIVE)
    if refresh.client != client.id or _is_denied(request, client, refresh):
        return Answer(INACTIVE)
    return Answer(_describe_refresh(request.tenant, client, refresh))


def _describe(
    request: EndpointRequest, client: ClientRecord, token: AcceptedToken
) -> dict[str, JSON]:
    """Describe what the caller may know of a token, unless a policy denies even that."""
    tenant = request.tenant
    apis = [tenant.apis[api_id] for api_id in token.api_ids if api_id in tenant.apis]
    if token.client != client.id:
        apis = [api for api in apis if client.id in api.resource_server_ids]
        if not apis:
            return INACTIVE
        token = _cut_to(tenant, token, apis)
    if _is_denied(request, client, token):
        return INACTIVE
    if not token.usage_limit:
        return _describe_part(tenant, token, token.scopes, token.audiences, api_ids=token.api_ids)
    return _describe_use(tenant, client, token)


def _describe_use(
    tenant: TenantSnapshot, caller: ClientRecord, token: AcceptedToken
) -> dict[str, JSON]:
    """Describe a token of limited use; each answer to a resource server is one of its uses."""
    if token.client == caller.id:
        count: int | None = usage_counters.read(token)
    else:
        count = usage_counters.count_use(token)
    if count is None:
        return INACTIVE
    answer = _describe_part(tenant, token, token.scopes, token.audiences, api_ids=token.api_ids)
    if _profile_of(tenant, token)[0].has_usage_limit:
        answer |= {"usage_limit": token.usage_limit, "usage_count": count}
    return answer


def _cut_to(tenant: TenantSnapshot, token: AcceptedToken, apis: list[ApiRecord]) -> AcceptedToken:
    """Keep the part of a token that concerns a resource server. Source: RFC 7662 section 4."""
    served = {api.id for api in apis}
    known = tenant.scopes
    return replace(
        token,
        scopes=tuple(s for s in token.scopes if s in known and known[s].api_id in served),
        audiences=tuple(api.audience for api in apis),
        api_ids=tuple(served),
    )


def _is_denied(
    request: EndpointRequest, caller: ClientRecord, token: AcceptedToken | PresentedRefreshToken
) -> bool:
    """Ask the policies about the token's own client and subject: introspection honours a deny.

    A denial is recorded like any other, but nothing in the answer tells it from a dead token.
    """
    owner = snapshot.CURRENT.client(request.tenant, token.client_id)
    if owner is None or owner.id != token.client:
        return True
    if not request.tenant.policy_index.has_denials:
        return False
    asked = _ask(request, caller, owner, token)
    decision = decide_access(asked, request.tenant)
    if decision.is_allowed:
        return False
    text = DESCRIPTIONS[Reason(decision.refusal.reason)]
    error = AccessDenied(text, asked=asked, decision=decision)
    error_handler.record_refusal(error, request, operation=IntrospectView.operation)
    return True


def _actor_of(token: AcceptedToken | PresentedRefreshToken) -> str:
    actors = token.actors if isinstance(token, AcceptedToken) else ()
    return actors[0] if actors else ""


def _ask(
    request: EndpointRequest,
    caller: ClientRecord,
    owner: ClientRecord,
    token: AcceptedToken | PresentedRefreshToken,
) -> AccessRequest:
    subject = None
    if token.subject_id is not None:
        subject = SubjectRecord(
            # A disabled one has ended the token.
            token.subject_id,
            is_enabled=True,
            cut_off_number=token.cut_off_number,
            groups=tuple(token.groups),
        )
    return AccessRequest(
        grant_type=token.grant_type,
        client=owner,
        subject=subject,
        requested_scopes=tuple(token.scopes),
        requested_audiences=tuple(token.audiences),
        trust_profile_id=token.trust_profile_id,
        app_tenant_id=token.app_tenant_id,
        app_subject_id=token.app_subject_id,
        actor=_actor_of(token),
        address=request.address,
        user_agent=request.user_agent,
        operation=INTROSPECTION,
        groups=subject.groups if subject else None,
        method=request.method,
        headers=request.headers,
        now=request.now,
        caller=caller,
    )


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
    rules = select_rules(
        tenant.claim_rules,
        api_ids=api_ids,
        client_id=token.client,
        grant_types=(token.grant_type, token.session_grant_type),
    )
    owner = snapshot.CURRENT.client(tenant, token.client_id)
    record = record_of(
        tenant,
        token,
        scopes=scopes,
        audiences=audiences,
        owner=owner,
    )
    known = find_known(token.facts, rules, has_subject=token.subject_id is not None)
    claims = tell_claims(profile, record, known, read_inputs(token.facts), is_dual=is_dual)
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
    return {**claims, **standard, **_describe_authentication(token.authentication)}


def _profile_of(tenant: TenantSnapshot, token: AcceptedToken) -> tuple[ClaimProfileData, bool]:
    """Find the profile that the token was made by; a deleted one leaves the standard's names."""
    try:
        return resolve_profile(tenant, token.claim_profile)
    except UnknownClaimProfile:
        return RFC9068, False


def _describe_refresh(
    tenant: TenantSnapshot, client: ClientRecord, refresh: PresentedRefreshToken
) -> dict[str, JSON]:
    subject_id, authentication = refresh.subject_id, refresh.authentication
    return {
        "active": True,
        "scope": " ".join(refresh.scopes),
        "client_id": refresh.client_id,
        "token_type": "refresh_token",
        "exp": refresh.expires_at,
        "iat": refresh.issued_at,
        "sub": name_subject(subject_id, client, tenant) if subject_id else refresh.client_id,
        "iss": tenant.issuer,
        **_describe_authentication(authentication),
    }


def _describe_authentication(authentication: Authentication | None) -> dict[str, JSON]:
    """Answer how the person was recognised, whatever the profile. Source: RFC 9470 section 6.2."""
    if authentication is None:
        return {}
    return {"acr": authentication.acr, "auth_time": authentication.authenticated_at}


class IntrospectView(EndpointView):
    """`/oauth/introspect`."""

    operation: ClassVar[str] = "introspect"

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_introspection(request)
