"""A client ends a token that it no longer needs. Source: RFC 7009."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import gate, sessions, token_store
from tokens.answers import Answer
from tokens.client_authentication import authenticate
from tokens.endpoints.view import EndpointView

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.parameters import EndpointRequest


def answer_revocation(request: EndpointRequest) -> Answer:
    """End the token if it is the client's own; the answer is the same if it is not.

    A refresh token takes its session with it (RFC 7009 section 2.1); `token_type_hint` is not
    needed to find a token and so is ignored, as section 2.2 allows.
    """
    client = authenticate(request)
    _end(request, client, request.parameters.require("token"))
    return Answer({})


def _end(request: EndpointRequest, client: ClientRecord, text: str) -> None:
    tenant = request.tenant
    token = gate.accept(tenant, text, accept_symmetric=True, accept_limited=True)
    if token is not None:
        if token.client == client.id:
            sessions.revoke_access_token(tenant.id, token.id)
        return
    refresh = token_store.find_refresh_token(tenant.id, text, now=request.now)
    if refresh is not None and refresh.client == client.id:
        sessions.end_session(tenant.id, refresh.session_id, ended_reason="revoked")


class RevokeView(EndpointView):
    """`/oauth/revoke`."""

    operation: ClassVar[str] = "revoke"
    is_cross_origin: ClassVar[bool] = True

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_revocation(request)
