"""The client acts for itself, or for a subject of its application. Source: RFC 6749 4.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.impersonation import MAX_NAME_CHARACTERS, is_name
from tenants.records import AccessRequest, GrantType
from tokens.errors import InvalidRequest, UnauthorizedClient

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.CLIENT_CREDENTIALS.value


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for a token of the client itself, or in the name of whom its application knows.

    Raises:
        UnauthorizedClient: a public client has nothing that proves who it is.
        InvalidRequest: a name of the application can't be one.
    """
    if client.authentication_method == "none":
        raise UnauthorizedClient("A public client can't use client_credentials.")
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        requested_scopes=request.requested_scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        usage_limit=request.requested_usage_limit,
        app_tenant_id=_read_name(request, "app_tenant_id"),
        app_subject_id=_read_name(request, "app_subject_id"),
        address=request.address,
        user_agent=request.user_agent,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )


def _read_name(request: EndpointRequest, parameter: str) -> str:
    """Read whom the application means; Space Blocks sends the parameters."""
    name = request.parameters.get(parameter)
    if name and not is_name(name):
        raise InvalidRequest(
            f"The parameter {parameter} takes 1 to {MAX_NAME_CHARACTERS} printable characters."
        )
    return name
