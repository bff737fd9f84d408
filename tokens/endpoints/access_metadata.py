"""Where a tenant's policy decision point is. Source: OpenID AuthZEN Authorization API 1.0, 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.metadata import CACHE_SECONDS
from tokens.endpoints.view import EndpointView, find_tenant, write_answer

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import JSON, TenantSnapshot


class AccessMetadataView(EndpointView):
    """`/.well-known/authzen-configuration/t/...`; the search endpoints are not offered."""

    http_method_names = ["get", "head", "options"]

    def get(self, _request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the metadata; every web page may read it."""
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", **ANY_ORIGIN}
        return write_answer(Answer(describe_decision_point(find_tenant(issuer)), headers=headers))


def describe_decision_point(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe the decision point. Source: section 9.1."""
    return {
        "policy_decision_point": tenant.issuer,
        "access_evaluation_endpoint": f"{tenant.issuer}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{tenant.issuer}/access/v1/evaluations",
    }
