"""The page on which a person types what their device shows, and says what it may do.

Source: RFC 8628 section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import snapshot
from tokens import client_documents, device_approvals, user_codes
from tokens.device_approvals import Approval
from tokens.front_channel import continuations, device_decisions
from tokens.front_channel.consent import ALLOW, DECISION, GRANTED, describe_time
from tokens.front_channel.page import Page
from tokens.front_channel.scope_titles import describe_scopes
from tokens.limits.devices import admit_user_code, count_wrong_user_code
from tokens.session_store import OFFLINE_ACCESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from tenants.records import ClientRecord
    from tokens.device_approvals import WaitingDevice
    from tokens.front_channel.authorization_decisions import Judged
    from tokens.front_channel.page import Visit
    from tokens.sign_ins import SignInRecord

PATH: Final = "device"
SIGN_IN: Final = "sign-in"
USER_CODE: Final = "user_code"
DENY: Final = "deny"
QUESTION: Final = "front_channel/device.html"
CONFIRMATION: Final = "front_channel/device_confirm.html"
NOTICE: Final = "front_channel/notice.html"
MINUTE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is before a person who typed a code that a device waits with."""

    user_code: str
    device: WaitingDevice
    client: ClientRecord
    sign_in: SignInRecord
    judged: Judged


class DevicePage(Page):
    """`/device`, with the user code in the query where the device has shown a whole address."""

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Ask for the code, or show what the device with this code wants."""
        return _answer(visit, visit.request.GET.get(USER_CODE, ""), _confirm)

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show what the device with the code wants; take the person's decision about it."""
        form = visit.request.POST
        arrive = {ALLOW: _allow, DENY: _deny}.get(form.get(DECISION, ""), _confirm)
        return _answer(visit, form.get(USER_CODE, ""), arrive)


def _answer(
    visit: Visit, text: str, arrive: Callable[[Visit, _Asked], HttpResponse]
) -> HttpResponse:
    """Walk until the person's decision is asked for: who they are, which device it is."""
    user_code = user_codes.read_code(text)
    sign_in = visit.sign_in
    if sign_in is None:
        return visit.redirect(_sign_in_address(visit, user_code))
    if not text:
        return visit.render(QUESTION, {"typed": ""})
    found = _find(visit, sign_in, user_code) if user_code else None
    if found is None:
        typed = text[: user_codes.MAX_TYPED_CHARACTERS]
        return visit.render(QUESTION, {"typed": typed, "has_failed": True}, status=400)
    device, client = found
    judged = device_decisions.judge(visit, device, client, sign_in)
    if judged.needs_assurance:
        return _ask_for_proof(visit, user_code)
    if not judged.decision.is_allowed:
        device_decisions.refuse(visit, judged, device.api_slug)
    device_decisions.check_sessions(visit, judged, sign_in, api_slug=device.api_slug)
    return arrive(visit, _Asked(user_code, device, client, sign_in, judged))


def _find(
    visit: Visit, sign_in: SignInRecord, user_code: str
) -> tuple[WaitingDevice, ClientRecord] | None:
    """Find who waits with the code; guesses are counted. Source: RFC 8628 section 5.1.

    Raises:
        RateLimited: the person has guessed too often.
    """
    admit_user_code(visit.tenant, sign_in.subject_id, visit.address)
    device = device_approvals.find_waiting(visit.tenant.id, user_code, now=visit.now)
    if device is None:
        count_wrong_user_code(visit.tenant, sign_in.subject_id)
        return None
    client = snapshot.CURRENT.client(visit.tenant, device.client_id)
    return (device, client) if client is not None and client.is_enabled else None


def _confirm(visit: Visit, asked: _Asked) -> HttpResponse:
    """Let the person compare the code and the device with what is before them.

    Source: RFC 8628 sections 3.3.1 and 5.4.
    """
    interactive = asked.client.interactive
    context = {
        "application": interactive.name or asked.client.client_id,
        "interactive": interactive,
        "client": asked.client,
        "host": client_documents.host_of(asked.client.client_id),
        "user_code": user_codes.write_code(asked.user_code),
        "device": asked.device,
        "asked_when": _describe_age(visit.now - asked.device.asked_at),
        "scopes": describe_scopes(visit, asked.judged.decision.granted_scopes),
        "offline_time": _describe_offline(asked),
        "other_account_address": _sign_in_address(visit, asked.user_code),
    }
    return visit.render(CONFIRMATION, context)


def _allow(visit: Visit, asked: _Asked) -> HttpResponse:
    """Let the device have what the person ticked, and what is required."""
    scopes = _choose(visit, asked)
    if not scopes:
        return _deny(visit, asked)
    judged = asked.judged
    if scopes != judged.decision.granted_scopes:
        judged = device_decisions.judge_narrowed(visit, asked.device, judged, asked.sign_in, scopes)
        if not judged.decision.is_allowed:
            device_decisions.refuse(visit, judged, asked.device.api_slug)
    approval = Approval(
        subject_id=asked.sign_in.subject_id,
        authentication=asked.sign_in.authentication,
        scopes=judged.decision.granted_scopes,
        audiences=tuple(api.audience for api in judged.decision.apis),
        cut_off_number=visit.number,
    )
    is_done = device_approvals.approve(visit.tenant.id, asked.device.id, approval, now=visit.now)
    text = _("It goes on by itself within some seconds. You can close this page.")
    return _say(visit, _("Your device is connected"), text, is_done=is_done)


def _deny(visit: Visit, asked: _Asked) -> HttpResponse:
    """Tell the device that it gets nothing."""
    is_done = device_approvals.deny(visit.tenant.id, asked.device.id, now=visit.now)
    text = _("The device gets no access to your account. You can close this page.")
    return _say(visit, _("Not connected"), text, is_done=is_done)


def _say(visit: Visit, title: str, sentence: str, *, is_done: bool) -> HttpResponse:
    """Tell the person what they did, unless time or somebody else was faster."""
    if not is_done:
        return visit.render(QUESTION, {"typed": "", "has_failed": True}, status=400)
    return visit.render(NOTICE, {"title": title, "sentences": [sentence]})


def _choose(visit: Visit, asked: _Asked) -> tuple[str, ...]:
    granted = asked.judged.decision.granted_scopes
    required = {line.name for line in describe_scopes(visit, granted) if line.is_required}
    kept = required | set(visit.request.POST.getlist(GRANTED))
    return tuple(name for name in granted if name in kept)


def _ask_for_proof(visit: Visit, user_code: str) -> HttpResponse:
    """Ask for a better proof of who they are, once they want to. Source: RFC 9470 section 5."""
    context = {
        "title": _("This device needs a safer sign-in"),
        "sentences": [_("What it asks for needs you to sign in more surely, by a passkey.")],
        "link_address": _sign_in_address(visit, user_code),
        "link_text": _("Sign in again"),
    }
    return visit.render(NOTICE, context, status=403)


def _sign_in_address(visit: Visit, user_code: str) -> str:
    """Answer where the person signs in, to come back here with the code."""
    query = urlencode({USER_CODE: user_codes.write_code(user_code)}) if user_code else ""
    continuation = continuations.Continuation(PATH, query, int(visit.now))
    sealed = continuations.seal(visit.tenant, continuation)
    return f"{visit.address_of(SIGN_IN)}?{continuations.PARAMETER}={sealed}"


def _describe_age(seconds: float) -> str:
    minutes = int(seconds // MINUTE_SECONDS)
    if minutes < 1:
        return _("less than a minute ago")
    return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}


def _describe_offline(asked: _Asked) -> str:
    """Say how long offline access lasts where the client limits it; empty where it does not."""
    choices = asked.client.interactive.offline_lifetimes_seconds
    decision = asked.judged.decision
    if not choices or decision.settings is None or OFFLINE_ACCESS not in decision.granted_scopes:
        return ""
    return describe_time(min(*choices, decision.settings.refresh_token_lifetime_seconds))
