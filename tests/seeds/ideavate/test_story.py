"""Ideavate: an application signs JWTs for its own users, who exist here from first sight on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
AUDIENCE = "https://api.ideavate.example/"
EXPECTED = "https://ideavate.example/sso"
MAXIMUM = ["read:accounts", "download:documents"]
CLIENT_SCOPES = [*MAXIMUM, "write:accounts"]


@dataclass(frozen=True, slots=True)
class Platform:
    """The tenant with a web application and its application server."""

    tenant: Tenant
    oauth: OAuthClient
    gateway: MadeClient
    application: Application

    def sign_in(self, assertion: str, **more: str) -> Response:
        form = {"grant_type": JWT_BEARER, "client_id": "webapp", "assertion": assertion}
        return self.oauth.token(None, **form, **more)

    def claims_of(self, answer: Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        return read_jwt(self.oauth, token, audience=AUDIENCE, algorithm="ES256")


@pytest.fixture
def platform() -> Platform:
    tenant = make_tenant()
    make_api(tenant, "accounts", audience=AUDIENCE, scopes=CLIENT_SCOPES)
    make_client(
        tenant,
        "webapp",
        kind="spa",
        scopes=CLIENT_SCOPES,
        default_scopes=["read:accounts"],
        token_endpoint_auth_method="none",
        grant_types=[JWT_BEARER, "refresh_token"],
    )
    gateway = make_client(tenant, "server", scopes=CLIENT_SCOPES, grant_types=[JWT_BEARER])
    application = make_application(tenant)
    return Platform(tenant, OAuthClient(tenant), gateway, application)


def make_application(
    tenant: Tenant,
    issuer: str = "https://app.example",
    *,
    provisioning: str = "create",
    shared_secret: str = "",
) -> Application:
    return trust_application(
        tenant,
        issuer,
        audience=EXPECTED,
        maximum=MAXIMUM,
        shared_secret=shared_secret,
        provisioning=provisioning,
    )


def test_user_exists_from_first_sight_and_stays_the_same(platform: Platform) -> None:
    first = platform.claims_of(platform.sign_in(platform.application.sign("user-1")))
    again = platform.claims_of(platform.sign_in(platform.application.sign("user-1")))
    other = platform.claims_of(platform.sign_in(platform.application.sign("user-2")))

    assert first["sub"] == again["sub"] != other["sub"]
    assert first["client_id"] == "webapp"


def test_scope_claim_of_the_jwt_decides_the_scope(platform: Platform) -> None:
    assertion = platform.application.sign("user-1", scope="download:documents")
    assert platform.claims_of(platform.sign_in(assertion))["scope"] == "download:documents"


def test_without_scope_claim_the_defaults_of_the_application_hold(platform: Platform) -> None:
    assertion = platform.application.sign("user-1")
    assert platform.claims_of(platform.sign_in(assertion))["scope"] == "read:accounts"


def test_request_may_ask_for_a_subset(platform: Platform) -> None:
    assertion = platform.application.sign("user-1", scope=" ".join(MAXIMUM))
    claims = platform.claims_of(platform.sign_in(assertion, scope="read:accounts"))
    assert claims["scope"] == "read:accounts"


def test_scope_claim_can_not_exceed_the_maximum_of_the_profile(platform: Platform) -> None:
    assertion = platform.application.sign("user-1", scope="read:accounts write:accounts")
    assert platform.claims_of(platform.sign_in(assertion))["scope"] == "read:accounts"


def test_request_can_not_exceed_the_maximum_of_the_profile(platform: Platform) -> None:
    refused = platform.sign_in(platform.application.sign("user-1"), scope="write:accounts")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_confidential_application_server_signs_in_its_users_as_well(platform: Platform) -> None:
    answer = platform.oauth.token(
        platform.gateway,
        grant_type=JWT_BEARER,
        assertion=platform.application.sign("user-1"),
        scope="read:accounts",
    )
    assert platform.claims_of(answer)["client_id"] == "server"


def test_second_profile_with_a_shared_secret_knows_its_own_users(platform: Platform) -> None:
    legacy = make_application(
        platform.tenant, issuer="https://legacy.example", shared_secret="s" * 32
    )
    ours = platform.claims_of(platform.sign_in(platform.application.sign("user-1")))
    theirs = platform.claims_of(platform.sign_in(legacy.sign("user-1")))
    assert ours["sub"] != theirs["sub"]


def test_session_is_refreshed_for_the_same_user(platform: Platform) -> None:
    first = platform.sign_in(platform.application.sign("user-1"))
    second = platform.oauth.token(
        grant_type="refresh_token",
        client_id="webapp",
        refresh_token=first.json()["refresh_token"],
    )
    assert platform.claims_of(second)["sub"] == platform.claims_of(first)["sub"]


def test_unknown_user_is_refused_where_the_profile_creates_none(platform: Platform) -> None:
    strict = make_application(
        platform.tenant, issuer="https://strict.example", provisioning="refuse"
    )
    refused = platform.sign_in(strict.sign("user-1"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://nobody.example"}, "iss"),
        ({"aud": "https://elsewhere.example"}, "aud"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"nbf": int(time.time()) + 3600}, "not yet valid"),
        ({"iat": int(time.time()) - 86_400}, "too old"),
        ({"sub": ""}, "invalid claim"),
    ],
    ids=["issuer", "audience", "expired", "not yet valid", "old", "subject"],
)
def test_jwt_outside_of_the_settings_is_refused_with_the_reason(
    platform: Platform, claims: dict[str, Any], reason: str
) -> None:
    refused = platform.sign_in(platform.application.sign("user-1", **claims))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert reason in refused.json()["error_description"]


def test_jwt_is_good_for_one_request_only(platform: Platform) -> None:
    assertion = platform.application.sign("user-1")
    assert platform.sign_in(assertion).status_code == 200
    refused = platform.sign_in(assertion)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
