"""Which web origins may read an answer: those of the client that asks, never with credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenants import snapshot
from tenants.models.fields import ORIGIN
from tenants.queries.clients import is_allowed_origin
from tokens.client_authentication import present
from tokens.errors import OAuthError

if TYPE_CHECKING:
    from django.http import HttpRequest

    from tenants.records import TenantSnapshot
    from tokens.answers import Answer
    from tokens.endpoints.view import HTTPRequest
    from tokens.parameters import EndpointRequest

PREFLIGHT_SECONDS: Final = 600
ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}


def preflight_headers(request: HttpRequest, tenant: TenantSnapshot) -> dict[str, str]:
    """Answer a preflight: it names no client, so any client's origin of the tenant will do."""
    origin = request.META.get("HTTP_ORIGIN", "")
    if not ORIGIN.match(origin) or not is_allowed_origin(tenant.id, origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST, GET, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        "Vary": "Origin",
    }


def allow_origin(request: HTTPRequest, read: EndpointRequest, answer: Answer) -> Answer:
    """Let the origin read the answer if the client that asked lists it."""
    origin = request.META["HTTP_ORIGIN"]
    try:
        client = snapshot.CURRENT.client(read.tenant, present(read).client_id)
    except OAuthError:
        client = None
    is_allowed = client is not None and origin in client.allowed_origins
    return _allow(origin, answer, is_allowed=is_allowed)


def allow_listed_origin(request: HTTPRequest, read: EndpointRequest, answer: Answer) -> Answer:
    """Let the origin read an answer to a bearer token if anything of the tenant lists it.

    A refused token names no client, and without cookies the origin protects nothing of its own.
    """
    origin = request.META["HTTP_ORIGIN"]
    is_allowed = bool(ORIGIN.match(origin)) and is_allowed_origin(read.tenant.id, origin)
    return _allow(origin, answer, is_allowed=is_allowed)


def _allow(origin: str, answer: Answer, *, is_allowed: bool) -> Answer:
    if not is_allowed:
        return replace(answer, headers={**answer.headers, "Vary": "Origin"})
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "WWW-Authenticate, X-Request-Id, X-Refusal-Trace",
        "Vary": "Origin",
    }
    return replace(answer, headers={**answer.headers, **allowed})
