"""Judges an authorization request by the same checks as the token that will come of it.

So nobody agrees to what is refused afterwards, and a refusal is explained like every other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from tenants.policy import DESCRIPTIONS, Reason, authorize_error
from tenants.queries.subjects import find_subjects
from tenants.records import AccessRequest, GrantType, SubjectRecord
from tokens import error_handler, session_limits
from tokens.agreed_scopes import vouched_scopes
from tokens.endpoints.view import read_headers
from tokens.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    SessionLimitReached,
    UnauthorizedClient,
)
from tokens.front_channel.authorization_errors import (
    AuthorizationRefused,
    LoginRequired,
    UnmetAuthenticationRequirements,
    UnprovenRequest,
)
from tokens.front_channel.authorization_requests import read_query
from tokens.parameters import EndpointRequest, Parameters
from tokens.remembered_decisions import decide

if TYPE_CHECKING:
    from tenants.records import Decision
    from tokens.errors import OAuthError
    from tokens.front_channel.authorization_requests import AuthorizationRequest
    from tokens.front_channel.page import Visit
    from tokens.sign_ins import SignInRecord

OPERATION: Final = "authorize"
BY_CODE: Final = {
    error.error: error
    for error in (
        *(InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient, AccessDenied),
        UnmetAuthenticationRequirements,
    )
}
# What may be decided otherwise once it is known who the person is.
OF_PERSONS: Final = frozenset(
    (
        *("subject_enabled", "assurance_reached", "policies", "policies_allow"),
        "limits_leave_something",
    )
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be granted to a client for a person."""

    asked: AccessRequest
    decision: Decision

    @property
    def needs_assurance(self) -> bool:
        """Whether only a better proof of who the person is was missing. Source: RFC 9470."""
        decision = self.decision
        return not decision.is_allowed and decision.refusal.reason == Reason.ASSURANCE_TOO_LOW


def check_client(visit: Visit, request: AuthorizationRequest) -> None:
    """Refuse what no person could change, before anybody signs in.

    Raises:
        AuthorizationRefused: the client may not ask for this.
    """
    judged = _judge(visit, request, request.judged_scopes)
    if not judged.decision.is_allowed and judged.decision.refusal.name not in OF_PERSONS:
        refuse(request, judged)


def judge(
    visit: Visit,
    request: AuthorizationRequest,
    sign_in: SignInRecord,
    scopes: tuple[str, ...] | None,
) -> Judged:
    """Judge what the client asks for in the name of who is signed in.

    Raises:
        AuthorizationRefused: the person is gone meanwhile.
    """
    subject = find_subjects(visit.tenant.id, [sign_in.subject_id]).get(sign_in.subject_id)
    if subject is None:
        raise AuthorizationRefused(LoginRequired("The person is no longer here."), request.reply)
    return _judge(visit, request, scopes, sign_in=sign_in, subject=subject)


def refuse(request: AuthorizationRequest, judged: Judged) -> NoReturn:
    """Refuse as the decision says.

    Raises:
        AuthorizationRefused: always.
    """
    refusal = judged.decision.refusal
    reason = Reason(refusal.reason)
    error = BY_CODE[authorize_error(reason)](
        DESCRIPTIONS[reason],
        detail=f"{refusal.name}: {reason} {refusal.detail}",
        asked=judged.asked,
        decision=judged.decision,
    )
    raise AuthorizationRefused(error, request.reply)


def check_sessions(
    visit: Visit, request: AuthorizationRequest, sign_in: SignInRecord, judged: Judged
) -> None:
    """Refuse one session more than the client allows a person, before they agree to it.

    Raises:
        AuthorizationRefused: they have to end one first.
    """
    client = request.client
    if session_limits.is_reached(visit.tenant.id, sign_in.subject_id, client, now=visit.now):
        error = SessionLimitReached(
            session_limits.REACHED, asked=judged.asked, decision=judged.decision
        )
        raise AuthorizationRefused(error, request.reply)


def record(visit: Visit, error: OAuthError, *, query: str, api_slug: str) -> None:
    """Record a refusal, so that support finds it by the request's id."""
    request = EndpointRequest(
        tenant=visit.tenant,
        parameters=_read_again(query),
        now=visit.now,
        cut_off_number=visit.number,
        address=visit.address,
        user_agent=visit.user_agent,
        api_slug=api_slug,
        request_id=visit.request_id,
        method=visit.request.method or "",
        headers=read_headers(visit.request.META),
    )
    error_handler.record_refusal(error, request, operation=OPERATION)


def _read_again(query: str) -> Parameters:
    try:
        return read_query(query)[0]
    except UnprovenRequest:
        return Parameters()


def _judge(
    visit: Visit,
    request: AuthorizationRequest,
    scopes: tuple[str, ...] | None,
    *,
    sign_in: SignInRecord | None = None,
    subject: SubjectRecord | None = None,
) -> Judged:
    """Judge scopes, at last without those that only claims ask for: these never fail a request.

    Source: OpenID Connect Core section 5.5.1.
    """
    asked = _ask(visit, request, scopes, sign_in=sign_in, subject=subject)
    judged = Judged(asked, decide(asked, visit.tenant))
    named = tuple(name for name in scopes or () if name not in request.claimed_scopes)
    if judged.decision.is_allowed or not named or named == scopes:
        return judged
    asked = _ask(visit, request, named, sign_in=sign_in, subject=subject)
    return Judged(asked, decide(asked, visit.tenant))


def _ask(
    visit: Visit,
    request: AuthorizationRequest,
    scopes: tuple[str, ...] | None,
    *,
    sign_in: SignInRecord | None = None,
    subject: SubjectRecord | None = None,
) -> AccessRequest:
    profile_id = sign_in.trust_profile_id if sign_in else None
    return AccessRequest(
        grant_type=GrantType.AUTHORIZATION_CODE.value,
        client=request.client,
        subject=subject,
        requested_scopes=scopes,
        requested_audiences=request.audiences,
        api_slug=request.api_slug,
        scope_ceiling=vouched_scopes(visit.tenant, profile_id),
        trust_profile_id=profile_id,
        address=visit.address,
        user_agent=visit.user_agent,
        groups=subject.groups if subject else None,
        method=visit.request.method or "",
        headers=read_headers(visit.request.META),
        now=visit.now,
        authentication=sign_in.authentication if sign_in else None,
    )
