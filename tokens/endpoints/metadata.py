"""What an issuer says about itself. Source: RFC 8414 section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.view import EndpointView, find_confirmed_tenant, write_answer
from tokens.grants import GRANTS
from tokens.jwk import ASYMMETRIC_ALGORITHMS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import JSON, TenantSnapshot

CONFIDENTIAL_METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
CACHE_SECONDS: Final = 300


class MetadataView(EndpointView):
    """`/.well-known/oauth-authorization-server`, in both of its places."""

    http_method_names = ["get", "head", "options"]

    def get(self, _request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the metadata; every web page may read it."""
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", **ANY_ORIGIN}
        return write_answer(Answer(describe_issuer(find_confirmed_tenant(issuer)), headers=headers))


def describe_issuer(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe what the issuer really does; a test compares it with its behaviour."""
    allowed = tenant.allowed_grant_types
    algorithms: list[JSON] = [*sorted(ASYMMETRIC_ALGORITHMS)]
    confidential: list[JSON] = [*CONFIDENTIAL_METHODS]
    return {
        "issuer": tenant.issuer,
        "token_endpoint": f"{tenant.issuer}/oauth/token",
        "jwks_uri": f"{tenant.issuer}/jwks",
        "introspection_endpoint": f"{tenant.issuer}/oauth/introspect",
        "revocation_endpoint": f"{tenant.issuer}/oauth/revoke",
        "response_types_supported": [],
        "grant_types_supported": [g for g in GRANTS if not allowed or g in allowed],
        "token_endpoint_auth_methods_supported": [*confidential, "none"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": [*confidential, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }
