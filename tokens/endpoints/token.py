"""The token endpoint: the whole story of a token. Source: RFC 6749 section 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import grants
from tokens.answers import Answer
from tokens.client_authentication import authenticate
from tokens.endpoints.view import EndpointView
from tokens.issuance import issue
from tokens.refusals import raise_denied
from tokens.remembered_decisions import decide

if TYPE_CHECKING:
    from tokens.parameters import EndpointRequest


def answer_token_request(request: EndpointRequest) -> Answer:
    """Say who asks, for whom and for what; judge it; sign, store and answer."""
    client = authenticate(request)
    asked = grants.request_access(request, client)
    decision = decide(asked, request.tenant)
    if not decision.is_allowed:
        raise_denied(asked, decision)
    return Answer(issue(asked, decision, request))


class TokenView(EndpointView):
    """`/oauth/token`, and the same below `/apis/{api}`."""

    operation: ClassVar[str] = "token"
    is_cross_origin: ClassVar[bool] = True

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_token_request(request)
