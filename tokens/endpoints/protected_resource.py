"""What an Api's resource server says of itself. Source: RFC 9728 section 2.

A resource server redirects its own well-known address here, or names this one in its challenge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.metadata import CACHE_SECONDS
from tokens.endpoints.view import EndpointView, find_confirmed_tenant, write_answer
from tokens.errors import IssuerNotFound

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import JSON, ApiRecord, TenantSnapshot

WEB_SCHEMES: Final = ("https://", "http://")
NOT_DESCRIBED: Final = "No such Api, or its audience is no web address."


class ProtectedResourceView(EndpointView):
    """`/apis/{api}/.well-known/oauth-protected-resource`, also with the well-known part first."""

    http_method_names = ["get", "head", "options"]

    def get(self, _request: HttpRequest, issuer: str, api: str) -> HttpResponse:
        """Answer the metadata; every web page may read it."""
        tenant = find_confirmed_tenant(issuer)
        found = tenant.apis_by_slug.get(api)
        if found is None or not _is_described(found):
            raise IssuerNotFound(NOT_DESCRIBED)
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", **ANY_ORIGIN}
        return write_answer(Answer(describe_api(tenant, found), headers=headers))


def describe_api(tenant: TenantSnapshot, api: ApiRecord) -> dict[str, JSON]:
    """Describe an Api: who issues its tokens, with which scopes, and how they are presented."""
    scopes = sorted(name for name, scope in tenant.scopes.items() if scope.api_id == api.id)
    described: dict[str, JSON] = {
        "resource": api.audience,
        "authorization_servers": [tenant.issuer],
        "bearer_methods_supported": ["header"],
    }
    return {**described, "scopes_supported": [*scopes]} if scopes else described


def _is_described(api: ApiRecord) -> bool:
    """Say whether an Api is a resource with a web address. Source: RFC 9728 section 1.2."""
    return api.is_enabled and not api.built_in and api.audience.startswith(WEB_SCHEMES)
