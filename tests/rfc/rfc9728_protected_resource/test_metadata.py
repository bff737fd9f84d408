"""RFC 9728: what the resource server of an Api says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.tenants import make_api

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db
WELL_KNOWN = ".well-known/oauth-protected-resource"


@pytest.mark.requirement("RFC 9728", "2", "resource, authorization_servers, scopes, methods")
def test_api_is_described_in_both_places(oauth: OAuthClient, api: Api) -> None:
    below = oauth.get(f"/apis/{api.slug}/{WELL_KNOWN}")
    before = oauth.http.get(f"/{WELL_KNOWN}{oauth.base}/apis/{api.slug}")

    issuer = oauth.get("/.well-known/openid-configuration").json()["issuer"]
    assert below.json() == before.json()
    assert below.json() == {
        "resource": api.audience,
        "authorization_servers": [issuer],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    }
    assert below.headers["Access-Control-Allow-Origin"] == "*"
    assert below.headers["Cache-Control"].startswith("public")


def test_api_without_scopes_names_none(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "bare", scopes=())
    assert "scopes_supported" not in oauth.get(f"/apis/bare/{WELL_KNOWN}").json()


def test_only_apis_with_a_web_address_are_described(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "named", audience="urn:orders", scopes=())
    make_api(tenant, "closed", is_enabled=False, scopes=())
    for slug in ("named", "closed", "management", "openid", "missing"):
        answer = oauth.get(f"/apis/{slug}/{WELL_KNOWN}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
