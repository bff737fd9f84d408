"""The grants: one module each, found by the value of `grant_type`. Source: RFC 6749 section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.policy import DESCRIPTIONS, Reason
from tokens.errors import UnauthorizedClient, UnsupportedGrantType
from tokens.grants import (
    authorization_code,
    client_credentials,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import AccessRequest, ClientRecord
    from tokens.parameters import EndpointRequest

GRANTS: Final[dict[str, Callable[[EndpointRequest, ClientRecord], AccessRequest]]] = {
    authorization_code.GRANT_TYPE: authorization_code.request_access,
    client_credentials.GRANT_TYPE: client_credentials.request_access,
    device_code.GRANT_TYPE: device_code.request_access,
    jwt_bearer.GRANT_TYPE: jwt_bearer.request_access,
    refresh_token.GRANT_TYPE: refresh_token.request_access,
    token_exchange.GRANT_TYPE: token_exchange.request_access,
}
REFUSED_ON_PURPOSE: Final = {
    "password": "The password grant is not offered: RFC 9700 section 2.4 forbids it.",
    "implicit": "The implicit grant is not offered: RFC 9700 section 2.1.2 advises against it.",
}


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Let the named grant say for whom and for what a token is asked.

    Raises:
        UnsupportedGrantType: no such grant, or one that is refused on purpose.
        UnauthorizedClient: the client may not use the grant; said before anything is made or used.
    """
    grant_type = request.parameters.require("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        known = ", ".join(GRANTS)
        text = REFUSED_ON_PURPOSE.get(grant_type, f"Use one of these grants: {known}.")
        raise UnsupportedGrantType(text)
    if grant_type not in client.grant_types:
        reason = Reason.GRANT_NOT_OF_CLIENT
        raise UnauthorizedClient(DESCRIPTIONS[reason], reason=reason)
    allowed = request.tenant.allowed_grant_types
    if allowed and grant_type not in allowed:
        reason = Reason.GRANT_NOT_ALLOWED_HERE
        raise UnauthorizedClient(DESCRIPTIONS[reason], reason=reason)
    return grant(request, client)
