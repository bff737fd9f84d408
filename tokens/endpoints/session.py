"""Ends the session of the token that is presented as bearer, as Aidbox does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import direct_tokens, gate, limits, sessions
from tokens.answers import Answer
from tokens.callers import NOT_ACCEPTED, read_bearer
from tokens.direct_tokens import NotAcceptedDirectly
from tokens.endpoints.view import EndpointView, write_answer
from tokens.errors import InvalidToken

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tokens.parameters import EndpointRequest


def answer_session_end(request: EndpointRequest) -> Answer:
    """End the session, or the token itself where it has none; so ends one of an outside issuer.

    Raises:
        TokenMissing: no token is presented.
        InvalidToken: none of this tenant is, or none that authorises here.
        RateLimited: the caller sends too many requests, or the same bad token again and again.
    """
    text = read_bearer(request)
    with limits.watch_token(request.tenant, text, request.address):
        token = gate.accept(request.tenant, text, accept_limited=True)
        if token is None:
            _end_outside_token(request, text)
            return Answer(None, 204)
    limits.admit_token(request.tenant, token, request.address)
    sessions.end_by_token(request.tenant.id, token.id, token.session_id)
    return Answer(None, 204)


def _end_outside_token(request: EndpointRequest, text: str) -> None:
    try:
        direct_tokens.end(request, text)
    except NotAcceptedDirectly as error:
        raise InvalidToken(NOT_ACCEPTED) from error


class SessionView(EndpointView):
    """`DELETE /session`."""

    operation: ClassVar[str] = "session"
    http_method_names = ["delete", "options"]
    reads_body: ClassVar[bool] = False

    def delete(self, request: HttpRequest, issuer: str, api: str = "") -> HttpResponse:
        """End the session of the presented token."""
        return write_answer(self.answer_http(request, issuer, api))

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_session_end(request)
