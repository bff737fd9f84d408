"""Accepts the bearer tokens of a tenant's management Api. Source: RFC 6750 section 2.1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rest_framework.authentication import BaseAuthentication

from tenants import snapshot
from tenants.api import problems
from tenants.api.caller import Caller, authentication_required, invalid_token
from tenants.api.error_handler import rate_limited, unavailable
from tenants.api.problems import Problem
from tokens import gate, limits
from tokens.errors import InvalidToken, RateLimited, ServiceUnavailable
from tokens.management_scopes import find_management_api, held_scopes

if TYPE_CHECKING:
    from rest_framework.request import Request

    from tenants.records import TenantSnapshot
    from tokens.gate import AcceptedToken

NOT_ACCEPTED: Final = "The token is expired, revoked, malformed, or of another tenant."
# Source: RFC 6750 section 2.1, `b64token`.
BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


class ManagementToken(BaseAuthentication):
    """Finds the client whose token is sent, in the tenant that the path names, and only there."""

    def authenticate(self, request: Request) -> tuple[Caller, AcceptedToken]:
        """Answer who calls.

        Raises:
            Problem: no such tenant, no token, none that is good for its management Api, or one
                that comes too often.
        """
        snapshot.CURRENT.confirm()
        tenant = find_tenant(request)
        address = request.META.get("REMOTE_ADDR", "")
        try:
            limits.admit_address(tenant, address)
            token = _accept(tenant, read_bearer(request, tenant), address)
        except ServiceUnavailable as error:
            raise unavailable(error.retry_after_seconds) from error
        except RateLimited as error:
            raise rate_limited(error.description, error.retry_after_seconds) from error
        except InvalidToken as error:
            raise invalid_token(tenant.issuer, error.description) from error
        return find_caller(tenant, token, address), token

    def authenticate_header(self, request: Request) -> str:
        """Answer the challenge of a request without token."""
        return f'Bearer realm="{find_tenant(request).issuer}"'


def _accept(tenant: TenantSnapshot, text: str, address: str) -> AcceptedToken:
    with limits.watch_token(tenant, text, address):
        token = gate.accept(tenant, text)
        if token is None:
            raise InvalidToken(NOT_ACCEPTED)
    limits.admit_token(tenant, token, address)
    return token


def find_tenant(request: Request) -> TenantSnapshot:
    """Find the enabled tenant that the URL names.

    Raises:
        Problem: there is none.
    """
    named = request.resolver_match.kwargs if request.resolver_match else {}
    path = "/".join(str(named.get(name)) for name in ("project", "environment", "tenant"))
    tenant = snapshot.CURRENT.tenant(path)
    if tenant is None or not tenant.is_enabled:
        raise Problem(problems.NOT_FOUND, "There is no such tenant.")
    return tenant


def read_bearer(request: Request, tenant: TenantSnapshot) -> str:
    """Read the token from the header; no other place is looked at.

    Raises:
        Problem: the header is missing, or of another kind.
    """
    match = BEARER.fullmatch(request.META.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        raise authentication_required(tenant.issuer)
    return match[1]


def find_caller(tenant: TenantSnapshot, token: AcceptedToken, address: str) -> Caller:
    """Say who calls, with the token's management scopes that its client still holds.

    Raises:
        Problem: the token is not for the management Api alone, or speaks for an end user.
    """
    api = find_management_api(tenant)
    if api is None or token.api_ids != (api.id,):
        # Another receiver of a shared token could use it here. Source: RFC 9700 section 2.3.
        detail = "Ask for a token whose only audience is the tenant's management Api."
        raise invalid_token(tenant.issuer, detail)
    if token.audiences != (api.audience,):
        raise invalid_token(tenant.issuer, "The audience of the management Api has changed.")
    if token.subject_id is not None:
        detail = "Tokens of end users are no good here; a client must ask for its own."
        raise invalid_token(tenant.issuer, detail)
    scopes = held_scopes(tenant, token)
    return Caller(tenant, token.client, token.client_id, scopes, address)
