"""Ends the session of the token that is presented as bearer, as Aidbox does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from tokens import gate, sessions
from tokens.answers import Answer
from tokens.endpoints.view import EndpointView, write_answer
from tokens.errors import InvalidToken, TokenMissing

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tokens.parameters import EndpointRequest

# Source: RFC 6750 section 2.1.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
NOT_ACCEPTED: Final = "The token is malformed, expired, revoked, or not of this issuer."
MISSING: Final = "Present the token in the Authorization header, as a bearer token."


def answer_session_end(request: EndpointRequest) -> Answer:
    """End the session, or the token itself where it has none.

    Raises:
        TokenMissing: no token is presented.
        InvalidToken: none of this tenant is, or none that authorises here.
    """
    if request.authorization[:6].lower() != "bearer":
        raise TokenMissing(MISSING)
    match = _BEARER.fullmatch(request.authorization.strip())
    token = gate.accept(request.tenant, match[1]) if match else None
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
