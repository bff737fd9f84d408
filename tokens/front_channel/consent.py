"""The consent page: what a client may do in a person's name, scope by scope.

Source: OpenID Connect Core section 3.1.2.4, RFC 6749 section 3.3 for the scope that is granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.utils.translation import ngettext

from tokens import client_documents, consents
from tokens.front_channel import continuations, responses
from tokens.front_channel.authorization_errors import AuthorizationRefused, Denied
from tokens.front_channel.authorization_walk import (
    OFFLINE_ACCESS,
    SIGN_IN,
    address_of,
    grant,
    walk,
)
from tokens.front_channel.page import Page
from tokens.front_channel.scope_titles import describe_scopes
from tokens.front_channel.steps import Grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from tokens.front_channel.authorization_walk import Asked
    from tokens.front_channel.continuations import Continuation
    from tokens.front_channel.page import Visit

TEMPLATE: Final = "front_channel/consent.html"
DECISION: Final = "decision"
ALLOW: Final = "allow"
GRANTED: Final = "granted"
SHOWN: Final = "shown"
OFFLINE_SECONDS: Final = "offline_seconds"
DAY_SECONDS: Final = 86_400
HOUR_SECONDS: Final = 3_600
MINUTE_SECONDS: Final = 60


class ConsentView(Page):
    """`/consent`, with the sealed authorization in the query."""

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show what is asked for; where nothing is left to ask, the client is answered."""
        return self._walk(visit, _show)

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Give the client what the person agreed to, or tell it that they did not."""
        return self._walk(visit, _answer)

    def _walk(
        self, visit: Visit, decide: Callable[[Visit, Asked, Continuation], HttpResponse]
    ) -> HttpResponse:
        text = visit.request.GET.get(continuations.PARAMETER, "")
        continuation = continuations.unseal(visit.tenant, text)

        def arrive(asked: Asked) -> HttpResponse:
            return decide(visit, asked, continuation)

        return walk(visit, continuation, arrive, begun_at=continuation.begun_at)


def _show(visit: Visit, asked: Asked, continuation: Continuation) -> HttpResponse:
    if isinstance(asked.step, Grant):
        return grant(visit, asked, asked.step.scopes)
    lines = describe_scopes(visit, asked.decision.granted_scopes)
    new = frozenset(_new_scopes(asked))
    interactive = asked.request.client.interactive
    context = {
        "client": asked.request.client,
        "application": interactive.name or asked.request.client.client_id,
        "interactive": interactive,
        "host": client_documents.host_of(asked.request.client.client_id),
        "destination": urlsplit(asked.request.redirect_uri).netloc,
        "new_scopes": [line for line in lines if line.name in new],
        "known_scopes": [line for line in lines if line.name not in new],
        "lifetimes": [(seconds, describe_time(seconds)) for seconds in _lifetimes(asked)],
        "other_account_address": address_of(visit, SIGN_IN, continuation),
    }
    targets = (responses.form_target(asked.request.redirect_uri),)
    return visit.render(TEMPLATE, context, form_targets=targets)


def _answer(visit: Visit, asked: Asked, continuation: Continuation) -> HttpResponse:
    form = visit.request.POST
    is_allowed = form.get(DECISION) == ALLOW
    if is_allowed and not set(_new_scopes(asked)) <= set(form.getlist(SHOWN)):
        # What is asked for has changed meanwhile, and nobody agrees to what they have not seen.
        return _show(visit, asked, continuation)
    agreed = _choose(visit, asked, form.getlist(GRANTED))
    if not is_allowed or not agreed:
        raise AuthorizationRefused(Denied("The person did not agree."), asked.request.reply)
    seconds = _choose_lifetime(asked, form.get(OFFLINE_SECONDS, ""))
    response = grant(visit, asked, agreed, offline_seconds=seconds)
    asked_for = _new_scopes(asked)
    if asked_for:
        consents.remember(
            visit.tenant,
            asked.sign_in.subject_id,
            asked.request.client.id,
            asked=asked_for,
            agreed=[name for name in asked_for if name in agreed],
            now=visit.now,
        )
    return response


def _new_scopes(asked: Asked) -> tuple[str, ...]:
    return () if isinstance(asked.step, Grant) else asked.step.scopes


def _choose(visit: Visit, asked: Asked, ticked: list[str]) -> tuple[str, ...]:
    """Answer what is granted, in the order of the request: known, required and ticked scopes."""
    new = _new_scopes(asked)
    required = {line.name for line in describe_scopes(visit, new) if line.is_required}
    refused = {name for name in new if name not in required and name not in ticked}
    return tuple(name for name in asked.decision.granted_scopes if name not in refused)


def _lifetimes(asked: Asked) -> list[int]:
    """List how long offline access may last at most, as the ceilings allow, in seconds."""
    settings = asked.decision.settings
    if settings is None or OFFLINE_ACCESS not in _new_scopes(asked):
        return []
    longest = settings.refresh_token_lifetime_seconds
    choices = asked.request.client.interactive.offline_lifetimes_seconds
    return sorted({min(seconds, longest) for seconds in choices})


def _choose_lifetime(asked: Asked, text: str) -> int | None:
    """Answer the chosen lifetime in seconds; the shortest for what was never offered."""
    offered = _lifetimes(asked)
    if not offered:
        return None
    return next((seconds for seconds in offered if str(seconds) == text), offered[0])


def describe_time(seconds: int) -> str:
    """Write a time in the largest unit that it fills."""
    if seconds >= DAY_SECONDS:
        days = seconds // DAY_SECONDS
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if seconds >= HOUR_SECONDS:
        hours = seconds // HOUR_SECONDS
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    minutes = seconds // MINUTE_SECONDS
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
