"""RFC 6749 section 5.2: how the token endpoint says no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.tenants import make_client, make_environment

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

ERRORS: dict[str, tuple[dict[str, Any], int, str]] = {
    "grant missing": ({"grant_type": ""}, 400, "invalid_request"),
    "grant unknown": ({"grant_type": "barter"}, 400, "unsupported_grant_type"),
    "grant that the client lacks": (
        {"grant_type": "authorization_code"},
        400,
        "unauthorized_client",
    ),
    "password": ({"grant_type": "password", "username": "a"}, 400, "unsupported_grant_type"),
    "implicit": ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
    "grant of another client": ({"grant_type": "refresh_token"}, 400, "unauthorized_client"),
    "scope unknown": ({"scope": "nope"}, 400, "invalid_scope"),
    "audience unknown": ({"audience": "https://nope.example"}, 400, "invalid_target"),
    "hostile description": ({"grant_type": '"\\\r\n\x7f<ü>'}, 400, "unsupported_grant_type"),
}


@pytest.mark.requirement("RFC 6749", "5.2", "An error is JSON with error and error_description.")
@pytest.mark.parametrize("row", ERRORS.values(), ids=ERRORS)
def test_each_error_has_the_form_of_the_standard(
    oauth: OAuthClient, service: MadeClient, row: tuple[dict[str, Any], int, str]
) -> None:
    parameters, status, code = row
    response = oauth.token(service, **parameters)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.json().keys() == {"error", "error_description"}
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"
    assert "WWW-Authenticate" not in response
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    # Source: RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", response.json()["error_description"])


@pytest.mark.usefixtures("service")
def test_the_request_id_is_ours(oauth: OAuthClient) -> None:
    response = oauth.post_raw("/oauth/token", "", **{"X-Request-Id": "mine"})
    assert response["X-Request-Id"] != "mine"


def test_a_refusal_repeats_nothing_that_was_sent(oauth: OAuthClient, service: MadeClient) -> None:
    for parameters in (
        {"scope": "zzz-canary"},
        {"audience": "zzz-canary"},
        {"grant_type": "zzz-canary"},
        {"client_id": "zzz-canary"},
    ):
        response = oauth.token(service, **parameters)
        assert response.status_code == 400
        assert b"zzz-canary" not in response.content


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("RFC 6749", "5.2", "A grant that is not the client's is its own error.")
def test_the_environment_bounds_the_grants(oauth: OAuthClient, service: MadeClient) -> None:
    environment = make_environment()
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    response = oauth.token(service)
    assert response.status_code == 400
    assert response.json()["error"] == "unauthorized_client"


def test_a_disabled_tenant_is_no_issuer(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    tenant.is_enabled = False
    update_tenant(tenant, actor=SYSTEM)
    for response in (oauth.token(service), oauth.introspect(service, "x"), oauth.get("/jwks")):
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"


def test_a_client_is_told_when_it_lacks_the_grant(oauth: OAuthClient, tenant: Tenant) -> None:
    client = make_client(tenant, grant_types=[])
    response = oauth.token(client)
    assert response.status_code == 400
    assert response.json()["error"] == "unauthorized_client"
