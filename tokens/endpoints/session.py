"""Ends the session of the token that is presented as bearer, as Aidbox does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import gate, sessions
from tokens.answers import Answer
from tokens.callers import NOT_ACCEPTED, read_bearer
from tokens.endpoints.view import EndpointView, write_answer
from tokens.errors import InvalidToken

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tokens.parameters import EndpointRequest


def answer_session_end(request: EndpointRequest) -> Answer:
    """End the session, or the token itself where it has none.

    Raises:
        TokenMissing: no token is presented.
        InvalidToken: none of this tenant is, or none that authorises here.
    """
    token = gate.accept(request.tenant, read_bearer(request), accept_limited=True)
    if token is None:
        raise InvalidToken(NOT_ACCEPTED)
    sessions.end_by_token(request.tenant.id, token.id, token.session_id)
    return Answer(None, 204)


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
