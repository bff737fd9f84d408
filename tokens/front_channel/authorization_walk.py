"""The walk of an authorization: read, check, sign in, agree, answer. Two pages take it.

The authorization endpoint takes it at the first look; the consent page takes all of it again, since
what was true then need not be true now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.pairwise import name_subject
from tokens import authorization_codes, consents, standard_claims
from tokens.authorization_codes import NewCode
from tokens.front_channel import authorization_decisions, continuations, responses, steps
from tokens.front_channel.authorization_errors import AuthorizationRefused, UnprovenRequest
from tokens.front_channel.authorization_parameters import CREATE
from tokens.front_channel.authorization_requests import read_authorization
from tokens.front_channel.steps import ConsentNeeded, Grant, Refuse, SignInNeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from tenants.records import Decision
    from tokens.front_channel.authorization_decisions import Judged
    from tokens.front_channel.authorization_requests import AuthorizationRequest
    from tokens.front_channel.continuations import Continuation
    from tokens.front_channel.page import Visit
    from tokens.sign_ins import SignInRecord

OFFLINE_ACCESS: Final = "offline_access"
SIGN_IN: Final = "sign-in"
SIGN_UP: Final = "sign-up"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is before a person who is signed in: the request, what may be granted, what is next."""

    request: AuthorizationRequest
    sign_in: SignInRecord
    decision: Decision
    step: ConsentNeeded | Grant


def walk(
    visit: Visit,
    continuation: Continuation,
    arrive: Callable[[Asked], HttpResponse],
    *,
    begun_at: float | None,
) -> HttpResponse:
    """Walk as far as the person's own decision, or send them or the client where they have to go.

    `begun_at` is when the person began, in seconds since the epoch; None at the first look.

    Raises:
        UnprovenRequest: nobody knows where to answer.
    """
    query, api_slug = continuation.query, continuation.api_slug
    try:
        return _walk(visit, continuation, arrive, begun_at)
    except UnprovenRequest as refused:
        authorization_decisions.record(visit, refused.error, query=query, api_slug=api_slug)
        raise
    except AuthorizationRefused as refused:
        authorization_decisions.record(visit, refused.error, query=query, api_slug=api_slug)
        return responses.answer_error(visit, refused.reply, refused.error)


def _walk(
    visit: Visit,
    continuation: Continuation,
    arrive: Callable[[Asked], HttpResponse],
    begun_at: float | None,
) -> HttpResponse:
    request = read_authorization(visit, continuation.query, continuation.api_slug)
    authorization_decisions.check_client(visit, request)
    sign_in = visit.sign_in
    step = steps.sign_in_step(
        request,
        sign_in,
        expected=_is_expected(visit, request, sign_in),
        begun_at=begun_at,
        now=visit.now,
    )
    if step is not None or sign_in is None:
        return _send_to_sign_in(visit, continuation, request, step)
    judged = authorization_decisions.judge(visit, request, sign_in, request.judged_scopes)
    if judged.needs_assurance:
        step = steps.step_up(request, is_fresh=steps.is_fresh(sign_in, begun_at))
        return _send_to_sign_in(visit, continuation, request, step)
    is_fresh = steps.is_fresh(sign_in, begun_at)
    return arrive(_find_step(visit, request, sign_in, judged, is_fresh=is_fresh))


def grant(
    visit: Visit, asked: Asked, scopes: tuple[str, ...], *, offline_seconds: int | None = None
) -> HttpResponse:
    """Give the client a code for scopes, which are judged once more where a person chose them."""
    request, sign_in, decision = asked.request, asked.sign_in, asked.decision
    if scopes != decision.granted_scopes:
        judged = authorization_decisions.judge(visit, request, sign_in, scopes)
        if not judged.decision.is_allowed:
            authorization_decisions.refuse(request, judged)
        decision = judged.decision
    new = _write_code(visit, asked, decision, offline_seconds)
    code = authorization_codes.make_code(new, now=visit.now)
    return responses.answer_code(visit, request.reply, code)


def _find_step(
    visit: Visit,
    request: AuthorizationRequest,
    sign_in: SignInRecord,
    judged: Judged,
    *,
    is_fresh: bool,
) -> Asked:
    """Find out whether the person has to agree."""
    decision, client = judged.decision, request.client
    if not decision.is_allowed:
        authorization_decisions.refuse(request, judged)
    authorization_decisions.check_sessions(visit, request, sign_in, judged)
    remembered = consents.find_scopes(visit.tenant.id, sign_in.subject_id, client.id, now=visit.now)
    if client.interactive.offline_lifetimes_seconds:
        # How long was chosen for once, and isn't known any more.
        remembered -= {OFFLINE_ACCESS}
    agreement = steps.Agreement(decision.granted_scopes, remembered)
    step = steps.consent_step(request, agreement, is_fresh=is_fresh)
    if isinstance(step, Refuse):
        raise AuthorizationRefused(step.error, request.reply)
    return Asked(request, sign_in, decision, step)


def _send_to_sign_in(
    visit: Visit,
    continuation: Continuation,
    request: AuthorizationRequest,
    step: SignInNeeded | Refuse | None,
) -> HttpResponse:
    if isinstance(step, Refuse):
        raise AuthorizationRefused(step.error, request.reply)
    page = SIGN_UP if CREATE in request.prompts else SIGN_IN
    return visit.redirect(address_of(visit, page, continuation))


def address_of(visit: Visit, page: str, continuation: Continuation) -> str:
    """Answer the address of a page that leads back to the authorization."""
    sealed = continuations.seal(visit.tenant, continuation)
    return f"{visit.address_of(page)}?{continuations.PARAMETER}={sealed}"


def _is_expected(visit: Visit, request: AuthorizationRequest, sign_in: SignInRecord | None) -> bool:
    """Say whether the client expects this person, or anybody. Source: OIDC Core 3.1.2.1."""
    if sign_in is None or not request.hinted_subject:
        return True
    return name_subject(sign_in.subject_id, request.client, visit.tenant) == request.hinted_subject


def _write_code(
    visit: Visit, asked: Asked, decision: Decision, offline_seconds: int | None
) -> NewCode:
    request, sign_in, granted = asked.request, asked.sign_in, decision.granted_scopes
    is_offline = OFFLINE_ACCESS in granted
    told = standard_claims.own_scopes(visit.tenant, granted)
    return NewCode(
        tenant_id=visit.tenant.id,
        client_id=request.client.id,
        subject_id=sign_in.subject_id,
        trust_profile_id=sign_in.trust_profile_id,
        authentication=sign_in.authentication,
        redirect_uri=request.redirect_uri,
        is_redirect_uri_required=request.is_redirect_uri_given,
        api_slug=request.api_slug,
        scopes=tuple(name for name in granted if name not in request.claimed_scopes),
        audiences=tuple(api.audience for api in decision.apis),
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        claims_request=standard_claims.bound_request(request.claims_request, told),
        offline_lifetime_seconds=offline_seconds if is_offline else None,
        cut_off_number=visit.number,
    )
