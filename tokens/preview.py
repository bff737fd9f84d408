"""Previews a token: the one that would be issued, by the very functions that issue it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from tenants.assurance import Assurance, strongest
from tenants.policy import decide
from tenants.policy_checks import Walk, default_scopes
from tenants.records import (
    NOTHING,
    Authentication,
    Ciphertext,
    ConsumedGrant,
    GrantType,
    KeyState,
    SigningKeyRecord,
)
from tokens.claim_refusals import ClaimsRefused, deny
from tokens.claim_sources import source_of
from tokens.jose import encode_base64url
from tokens.plan import MissingSigningKey, TokenPlan, plan
from tokens.signing import encode_header
from tokens.token_ids import ENTROPY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, AccessRequest, Decision, TenantSnapshot

NO_ENTROPY: Final = bytes(ENTROPY_BYTES)
# What only an issued token has; a preview names it instead.
OPAQUE_TEXT: Final = "(64 hexadecimal characters)"
REFRESH_TEXT: Final = "(a refresh token)"
IDENTITY_TEXT: Final = "(the ID token, with at_hash and a signature)"
AFTER_SIGN_IN: Final = frozenset((GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE))
KID_TO_COME: Final = "(made with the first token)"
PREVIEWED_SESSION: Final = UUID(int=0)
SCOPE_CHECK: Final = "scope_known_and_allowed"


@dataclass(frozen=True, slots=True)
class ExplainedClaim:
    """A claim with its value and where it comes from."""

    name: str
    value: JSON
    source: str


@dataclass(frozen=True, slots=True)
class DroppedScope:
    """A scope that was asked for and not granted: the check, reason code and detail."""

    name: str
    check: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be answered to a request; without a plan it is refused, and the decision tells.

    `response` has the members of the answer in their order. A JWT carries no signature, and what
    only issuance makes is named in parentheses.
    """

    request: AccessRequest
    decision: Decision
    plan: TokenPlan | None = None
    response: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)
    claims: tuple[ExplainedClaim, ...] = ()
    dropped_scopes: tuple[DroppedScope, ...] = ()


def preview(
    request: AccessRequest,
    tenant: TenantSnapshot,
    *,
    now: float,
    entropy: bytes = NO_ENTROPY,
) -> Preview:
    """Preview the token of a request; `now` is in seconds since the epoch.

    A refresh is previewed as that of a session which begins now, and a code as that of a person who
    has just signed in, as surely as the scopes need.
    """
    request = _signed_in(request, tenant, now)
    decision = decide(request, tenant)
    dropped = find_dropped_scopes(request, decision, tenant)
    if not decision.is_allowed:
        return Preview(request, decision, dropped_scopes=dropped)
    asked = _within_session(request, decision, now)
    try:
        planned = plan_with_any_key(asked, decision, tenant, now=now, entropy=entropy)
    except ClaimsRefused as refused:
        return Preview(request, deny(decision, refused), dropped_scopes=dropped)
    return Preview(
        request,
        decision,
        planned,
        response=_answer(planned),
        claims=explain_claims(planned),
        dropped_scopes=dropped,
    )


def plan_with_any_key(
    request: AccessRequest,
    decision: Decision,
    tenant: TenantSnapshot,
    *,
    now: float,
    entropy: bytes,
) -> TokenPlan:
    """Plan a token; where the ring is still to be made, its key is named as such.

    Raises: ClaimsRefused.
    """
    while True:  # The access token's ring may be missing, and that of the ID token.
        try:
            return plan(request, decision, tenant, now=now, entropy=entropy)
        except MissingSigningKey as missing:
            tenant = replace(tenant, keys=(*tenant.keys, _key_to_come(missing)))


def _key_to_come(missing: MissingSigningKey) -> SigningKeyRecord:
    return SigningKeyRecord(
        id=UUID(int=0),
        kid=KID_TO_COME,
        algorithm=missing.algorithm,
        state=KeyState.CURRENT,
        private=Ciphertext("", b""),
        api_id=missing.api_id,
    )


def explain_claims(planned: TokenPlan) -> tuple[ExplainedClaim, ...]:
    """Say of each claim of a planned token where it comes from."""
    return tuple(
        ExplainedClaim(name, value, source_of(name, planned.added_by.get(name, "")))
        for name, value in planned.claims.items()
    )


def find_dropped_scopes(
    request: AccessRequest, decision: Decision, tenant: TenantSnapshot
) -> tuple[DroppedScope, ...]:
    """Say of each scope that was asked for, or stands for nothing asked, why it is not granted.

    Each is judged alone, where nothing may be narrowed: then the decision has to name the reason.
    """
    wanted = dict.fromkeys(request.requested_scopes or default_scopes(Walk(request, tenant)))
    granted = frozenset(decision.granted_scopes)
    strict = replace(tenant, scope_excess="reject")
    return tuple(
        dropped
        for name in wanted
        if name not in granted and (dropped := _judge_alone(name, request, strict)) is not None
    )


def _judge_alone(name: str, request: AccessRequest, tenant: TenantSnapshot) -> DroppedScope | None:
    alone = decide(replace(request, requested_scopes=(name,)), tenant)
    if alone.is_allowed:
        return None  # Something else was wrong with the request, and the decision names it.
    check = alone.refusal
    return DroppedScope(name, check.name, str(check.reason), check.detail)


def _signed_in(request: AccessRequest, tenant: TenantSnapshot, now: float) -> AccessRequest:
    """Have the person of a code sign in, where the request does not say how they did."""
    if request.grant_type not in AFTER_SIGN_IN or request.subject is None:
        return request
    if request.authentication is not None:
        return request
    wanted = request.requested_scopes or default_scopes(Walk(request, tenant))
    needed = [tenant.scopes[name].min_acr for name in wanted if name in tenant.scopes]
    acr = strongest(needed) or Assurance.ONE_FACTOR.value
    return replace(
        request,
        authentication=Authentication(PREVIEWED_SESSION, int(now), acr),
        consumed=ConsumedGrant(request.grant_type, PREVIEWED_SESSION, PREVIEWED_SESSION),
    )


def _within_session(request: AccessRequest, decision: Decision, now: float) -> AccessRequest:
    if request.grant_type != GrantType.REFRESH_TOKEN or request.session_id is not None:
        return request
    seconds = decision.settings.refresh_token_lifetime_seconds if decision.settings else 0
    return replace(request, session_id=PREVIEWED_SESSION, session_expires_at=int(now) + seconds)


def _answer(planned: TokenPlan) -> Mapping[str, JSON]:
    answer: dict[str, JSON] = {"access_token": _write_token(planned), **planned.response}
    if planned.refresh is not None:
        answer["refresh_token"] = REFRESH_TEXT
    if planned.id_token is not None:
        answer["id_token"] = IDENTITY_TEXT
    return MappingProxyType(answer)


def _write_token(planned: TokenPlan) -> str:
    """Write the token with an empty signature. Source: RFC 7515 section 7.1."""
    if planned.header is None:
        return OPAQUE_TEXT
    payload = encode_base64url(orjson.dumps(planned.claims))
    return f"{encode_header(planned.header).decode()}.{payload}."
