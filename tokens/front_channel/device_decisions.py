"""Judges what a device asks for by the same checks as the token that will come of it.

So nobody agrees to what is refused afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tenants.policy import DESCRIPTIONS, Reason
from tenants.queries.subjects import find_subjects
from tenants.records import AccessRequest, GrantType
from tokens import session_limits
from tokens.agreed_scopes import vouched_scopes
from tokens.endpoints.view import read_headers
from tokens.errors import AccessDenied, SessionLimitReached
from tokens.front_channel.authorization_decisions import Judged, record
from tokens.front_channel.errors import PageRefused
from tokens.remembered_decisions import decide

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.device_approvals import WaitingDevice
    from tokens.front_channel.page import Visit
    from tokens.sign_ins import SignInRecord

NOT_ALLOWED = "device_not_allowed"
TOO_MANY_SESSIONS = "too_many_sessions"


def judge(
    visit: Visit, device: WaitingDevice, client: ClientRecord, sign_in: SignInRecord
) -> Judged:
    """Judge all that a device asks for, in the name of who is signed in."""
    return _judge(visit, device, client, sign_in, scopes=device.scopes, whole=None)


def judge_narrowed(
    visit: Visit,
    device: WaitingDevice,
    whole: Judged,
    sign_in: SignInRecord,
    scopes: tuple[str, ...],
) -> Judged:
    """Judge what the person has left of it; an Api of which nothing is left is not asked for."""
    return _judge(visit, device, whole.asked.client, sign_in, scopes=scopes, whole=whole)


def _judge(
    visit: Visit,
    device: WaitingDevice,
    client: ClientRecord,
    sign_in: SignInRecord,
    *,
    scopes: tuple[str, ...],
    whole: Judged | None,
) -> Judged:
    subject = find_subjects(visit.tenant.id, [sign_in.subject_id]).get(sign_in.subject_id)
    if subject is None:
        raise PageRefused(NOT_ALLOWED, status=403, detail="the person is no longer here")
    ceiling = frozenset(api.audience for api in whole.decision.apis) if whole else None
    asked = AccessRequest(
        grant_type=GrantType.DEVICE_CODE.value,
        client=client,
        subject=subject,
        requested_scopes=scopes or None,
        requested_audiences=() if whole else device.audiences,
        api_slug=device.api_slug,
        scope_ceiling=vouched_scopes(visit.tenant, sign_in.trust_profile_id),
        audience_ceiling=ceiling,
        trust_profile_id=sign_in.trust_profile_id,
        address=visit.address,
        user_agent=visit.user_agent,
        groups=subject.groups,
        method=visit.request.method or "",
        headers=read_headers(visit.request.META),
        now=visit.now,
        authentication=sign_in.authentication,
    )
    return Judged(asked, decide(asked, visit.tenant))


def refuse(visit: Visit, judged: Judged, api_slug: str) -> NoReturn:
    """Tell the person that the device gets nothing from them; support finds why.

    The code goes on waiting: somebody else may be allowed what this person is not.

    Raises:
        PageRefused: always.
    """
    refusal = judged.decision.refusal
    reason = Reason(refusal.reason)
    detail = f"{refusal.name}: {reason} {refusal.detail}"
    error = AccessDenied(
        DESCRIPTIONS[reason], detail=detail, asked=judged.asked, decision=judged.decision
    )
    record(visit, error, query="", api_slug=api_slug)
    raise PageRefused(NOT_ALLOWED, status=403, detail=detail)


def check_sessions(visit: Visit, judged: Judged, sign_in: SignInRecord, *, api_slug: str) -> None:
    """Tell a person that they have as many sessions with the client as it allows.

    Raises:
        PageRefused: they have to end one first; the code goes on waiting.
    """
    client = judged.asked.client
    if session_limits.is_reached(visit.tenant.id, sign_in.subject_id, client, now=visit.now):
        error = SessionLimitReached(
            session_limits.REACHED, asked=judged.asked, decision=judged.decision
        )
        record(visit, error, query="", api_slug=api_slug)
        raise PageRefused(TOO_MANY_SESSIONS, status=403)
