"""What a resource server may know of an outside token that its Api accepts as it is.

The names are those of RFC 7662. There is no `client_id`, as no client of ours asked for the token,
and `iss` is this tenant: it vouches for the answer, and the subject and scopes are its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.claim_document import ClaimInputs
from tenants.policy import DESCRIPTIONS, Reason, decide_direct
from tenants.records import INTROSPECTION, AccessRequest, TokenRecord
from tokens import direct_tokens, error_handler
from tokens.claim_additions import make_rule_claims, select_rules
from tokens.claim_refusals import ClaimsRefused, deny
from tokens.direct_tokens import NotAcceptedDirectly
from tokens.errors import AccessDenied

if TYPE_CHECKING:
    from tenants.records import JSON, ClientRecord, Decision, TenantSnapshot
    from tokens.direct_tokens import Candidate, DirectToken
    from tokens.foreign_token_store import PresentedToken
    from tokens.parameters import EndpointRequest

OPERATION = "introspect"


def describe(request: EndpointRequest, caller: ClientRecord, text: str) -> dict[str, JSON] | None:
    """Describe an outside token, accepting it where this is the first time; None for no token.

    The policies are asked before its subject is created, and again about the one that it is.
    """
    try:
        candidate = direct_tokens.find(request, caller, text)
        decision = _judge(request, caller, candidate)
        if candidate.subject is None:
            candidate = direct_tokens.settle_subject(request, candidate)
            decision = _judge(request, caller, candidate)
        direct = direct_tokens.admit(request, candidate)
        return _write(request, direct, decision)
    except ClaimsRefused as refused:
        _record(request, _ask(request, caller, candidate), deny(decision, refused))
        return None
    except NotAcceptedDirectly:
        return None


def _judge(request: EndpointRequest, caller: ClientRecord, candidate: Candidate) -> Decision:
    """Ask the policies; a denial is recorded, and in the answer nothing tells it apart.

    Raises:
        NotAcceptedDirectly: they deny it, or limit it to a time that is over.
    """
    asked = _ask(request, caller, candidate)
    token = candidate.token
    decision = decide_direct(asked, request.tenant, seconds=token.expires_at - token.issued_at)
    if decision.is_allowed:
        if _find_end(candidate.token, decision) <= request.now:
            raise NotAcceptedDirectly("expired")
        return decision
    _record(request, asked, decision)
    raise NotAcceptedDirectly(decision.refusal.reason)


def _record(request: EndpointRequest, asked: AccessRequest, denied: Decision) -> None:
    text = DESCRIPTIONS[Reason(denied.refusal.reason)]
    error = AccessDenied(text, asked=asked, decision=denied)
    error_handler.record_refusal(error, request, operation=OPERATION)


def _ask(request: EndpointRequest, caller: ClientRecord, candidate: Candidate) -> AccessRequest:
    """Ask as the resource server, which brings the token: it has no client of its own."""
    subject = candidate.subject
    return AccessRequest(
        grant_type="",
        client=caller,
        subject=subject,
        requested_scopes=candidate.scopes,
        requested_audiences=tuple(
            request.tenant.apis[api_id].audience for api_id in candidate.api_ids
        ),
        trust_profile_id=candidate.token.profile.id,
        address=request.address,
        user_agent=request.user_agent,
        operation=INTROSPECTION,
        # Who is not there yet is in no group.
        groups=subject.groups if subject else (),
        claims=candidate.token.signed.claims,
        method=request.method,
        headers=request.headers,
        now=request.now,
        caller=caller,
    )


def _make_claims(
    tenant: TenantSnapshot, direct: DirectToken, decision: Decision, expires_at: int
) -> dict[str, JSON]:
    """Make what the tenant's claim rules say of it, by its own verified claims.

    Raises:
        ClaimsRefused: they can't be made as the rules demand.
    """
    if not tenant.claim_rules:
        return {}
    rules = select_rules(
        tenant.claim_rules,
        api_ids=tuple([api.id for api in decision.apis]),
        client_id=None,
        grant_types=(),
    )
    record = TokenRecord(
        token_id=direct.id,
        issuer=tenant.issuer,
        project_slug=tenant.project_slug,
        environment_slug=tenant.environment_slug,
        tenant_slug=tenant.slug,
        client_id="",
        audiences=tuple([api.audience for api in decision.apis]),
        scopes=decision.granted_scopes,
        issued_at=direct.token.issued_at,
        expires_at=expires_at,
        subject=str(direct.subject.id),
        memberships=direct.subject.memberships,
    )
    inputs = ClaimInputs(direct.subject.attributes, direct.token.signed.claims)
    return make_rule_claims(record, rules, inputs)


def _find_end(token: PresentedToken, decision: Decision) -> int:
    """Answer when a token ends, cut as the policies say; in seconds since the epoch."""
    if decision.settings is None:
        return token.expires_at
    return min(token.expires_at, token.issued_at + decision.settings.access_token_lifetime_seconds)


def _write(request: EndpointRequest, direct: DirectToken, decision: Decision) -> dict[str, JSON]:
    token = direct.token
    expires_at = _find_end(token, decision)
    audiences = [api.audience for api in decision.apis]
    return {
        **_make_claims(request.tenant, direct, decision, expires_at),
        "active": True,
        "scope": " ".join(decision.granted_scopes),
        "token_type": "Bearer",
        "exp": expires_at,
        "iat": token.issued_at,
        "sub": str(direct.subject.id),
        "aud": audiences[0] if len(audiences) == 1 else [*audiences],
        "iss": request.tenant.issuer,
        "jti": str(direct.id),
    }
