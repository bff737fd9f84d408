"""The client acts for itself. Source: RFC 6749 section 4.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.records import AccessRequest, GrantType
from tokens.errors import UnauthorizedClient

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.CLIENT_CREDENTIALS.value


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for a token of the client itself.

    Raises:
        UnauthorizedClient: a public client has nothing that proves who it is.
    """
    if client.authentication_method == "none":
        raise UnauthorizedClient("A public client can't use client_credentials.")
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        requested_scopes=request.requested_scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        address=request.address,
        user_agent=request.user_agent,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )
