"""Addresses that are none, methods that are not served, and logs that must stay clean."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from tenants.models import Tenant
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db


PATHS = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/apis/orders/oauth/token",
    "/token-manager/token",
    "/auth/token",
)


@pytest.fixture
def oauth() -> OAuthClient:
    """A tenant with every switch on, so that every door can be tried."""
    tenant = make_tenant(
        allow_json_token_requests=True,
        allow_spaceblocks_alias=True,
        allow_aidbox_alias=True,
    )
    make_api(tenant)
    return OAuthClient(tenant)


@pytest.fixture
def service(oauth: OAuthClient) -> MadeClient:  # noqa: ARG001 - it has made the tenant.
    return make_client(Tenant.objects.get(), scopes=["read"])


def _assert_orderly(response: HttpResponse) -> None:
    assert response["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    assert "Set-Cookie" not in response
    assert response["X-Content-Type-Options"] == "nosniff"


METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW")


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_is_answered(oauth: OAuthClient, method: str) -> None:
    for path in PATHS:
        response = oauth.http.generic(method, f"{oauth.base}{path}?client_id=a&token=b")
        assert response.status_code == 405
        _assert_orderly(response)
        assert response["Allow"] == "POST, OPTIONS"


ISSUERS = {
    "unknown": "/t/acme/production/nobody",
    "long": "/t/" + "/".join(["x" * 63] * 3),
    "too long": "/t/" + "/".join(["x" * 64] * 3),
    "endless": "/t/" + "x" * 20_000,
    "dots": "/t/../../..",
    "NUL": "/t/a/b/%00",
    "not UTF-8": "/t/a/b/%ff",
    "line break": "/t/acme/production/globex%0a",
    "empty": "/t///",
    "encoded": "/t/acme/production/%67lobex%2f",
}


@pytest.mark.parametrize("base", ISSUERS.values(), ids=ISSUERS)
def test_an_unknown_issuer_is_not_found(oauth: OAuthClient, base: str) -> None:
    for path in (*PATHS, "/jwks", "/.well-known/oauth-authorization-server"):
        for method in ("POST", "OPTIONS", "GET"):
            response = oauth.http.generic(method, f"{base}{path}")
            assert response.status_code in {404, 405}
            assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])


def test_a_head_or_preflight_of_a_stranger_is_harmless(oauth: OAuthClient) -> None:
    for path in (*PATHS, "/session", "/jwks"):
        response = oauth.http.options(
            f"{oauth.base}{path}",
            headers={
                "Origin": "https://evil.example\x00",
                "Access-Control-Request-Method": "\x00",
                "Access-Control-Request-Headers": "x" * 9_000,
            },
        )
        assert response.status_code == 204
        assert "Access-Control-Allow-Origin" not in response


def test_no_log_line_holds_what_must_stay_secret(
    oauth: OAuthClient, service: MadeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = oauth.token(service).json()["access_token"]
    oauth.introspect(service, token)
    oauth.introspect(service, token + "A")
    oauth.token(service, scope="nothing")
    oauth.token(MadeClient(service.client, service.secret + "A"))
    oauth.token(service, grant_type="refresh_token", refresh_token="art_canary")
    oauth.token(client_assertion="canary.canary.canary", client_assertion_type="canary")
    oauth.revoke(service, token)
    oauth.end_session(token)
    assert caplog.records
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (service.secret, token, token.split(".")[1], "canary"):
        assert secret not in written
