"""Aidbox: a service with a typed secret gets a token for ten minutes, renews it and signs out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tenants.records import SYSTEM
from tenants.services.client_secrets import import_secret
from tests.factories.tenants import allow, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import post_json, read_jwt

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Client, Tenant

pytestmark = pytest.mark.django_db
# As the documentation writes it: api-client and verysecret.
BASIC = "Basic YXBpLWNsaWVudDp2ZXJ5c2VjcmV0"
CREDENTIALS = {"client_id": "api-client", "client_secret": "verysecret"}
FHIR = "https://fhir.example/"
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Service:
    """The service api-client, and its tenant."""

    tenant: Tenant
    oauth: OAuthClient
    client: Client

    def ask(self, **more: str) -> Response:
        body = {"grant_type": "client_credentials", **CREDENTIALS, **more}
        return post_json(self.oauth, "/auth/token", body)

    def introspect(self, token: str) -> dict[str, object]:
        answer = self.oauth.post_raw("/oauth/introspect", f"token={token}", Authorization=BASIC)
        return dict(answer.json())

    def close_session(self, token: str) -> Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.oauth.http.delete(f"{self.oauth.base}/Session", headers=headers)


@pytest.fixture
def new_service() -> Service:
    """Make the client as it is made there: it has no access to anything yet."""
    tenant = make_tenant(
        claim_profile="aidbox",
        signing_algorithm="RS256",
        allow_aidbox_alias=True,
        allow_typed_secrets=True,
    )
    make_api(tenant, "fhir", audience=FHIR, scopes=["patients"])
    make_api(tenant, "reports", audience="https://reports.example/", scopes=["reports"])
    made = make_client(
        tenant,
        "api-client",
        scopes=["patients", "reports"],
        default_scopes=["patients"],
        is_allowed=False,
        grant_types=["client_credentials", "refresh_token"],
        access_token_format="jwt",
        access_token_lifetime_seconds=600,
        refresh_token_enabled=True,
        refresh_token_idle_lifetime_seconds=DAY_SECONDS,
    )
    import_secret(made.client, label="typed", text="verysecret", actor=SYSTEM)
    return Service(tenant, OAuthClient(tenant), made.client)


@pytest.fixture
def service(new_service: Service) -> Service:
    allow(new_service.tenant, new_service.client)
    return new_service


def test_new_client_has_no_access_until_a_policy_links_it(new_service: Service) -> None:
    refused = new_service.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")

    allow(new_service.tenant, new_service.client)
    assert new_service.ask().status_code == 200


def test_form_with_basic_and_json_with_members_get_the_same(service: Service) -> None:
    form = service.oauth.post_raw(
        "/auth/token", "grant_type=client_credentials", Authorization=BASIC
    )
    by_json = service.ask()

    for answer in (form.json(), by_json.json()):
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
        assert answer["refresh_token"]


def test_audience_of_the_request_becomes_that_of_the_token(service: Service) -> None:
    token = service.ask(audience=FHIR).json()["access_token"]

    claims = read_jwt(service.oauth, token, audience=FHIR, algorithm="RS256")
    began, ends, token_id = claims.pop("iat"), claims.pop("exp"), claims.pop("jti")
    assert (ends - began, bool(token_id)) == (600, True)
    issuer = f"http://localhost:8000/t/{service.tenant.path}"
    assert claims == {"iss": issuer, "aud": FHIR, "sub": "api-client"}


def test_audience_of_nobody_is_refused(service: Service) -> None:
    refused = service.ask(audience="https://elsewhere.example/")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


def test_refreshing_by_json_renews_the_token(service: Service) -> None:
    first = service.ask().json()
    body = {"grant_type": "refresh_token", **CREDENTIALS, "refresh_token": first["refresh_token"]}
    second = post_json(service.oauth, "/auth/token", body)

    assert second.status_code == 200, second.content
    assert second.json()["expires_in"] == 600
    assert second.json()["access_token"] != first["access_token"]


def test_refresh_token_lives_for_a_day_since_its_last_use(service: Service) -> None:
    token = service.ask().json()["refresh_token"]
    remaining = service.introspect(token)["exp"] - time.time()  # type: ignore[operator]  # JSON.
    assert abs(remaining - DAY_SECONDS) < 5


def test_closing_the_session_ends_both_tokens_at_once(service: Service) -> None:
    answer = service.ask().json()
    assert service.introspect(answer["access_token"])["active"] is True

    assert service.close_session(answer["access_token"]).status_code == 204

    assert service.introspect(answer["access_token"]) == {"active": False}
    assert service.introspect(answer["refresh_token"]) == {"active": False}
    assert service.close_session(answer["access_token"]).status_code == 401


def test_wrong_secret_is_refused_with_a_challenge(service: Service) -> None:
    wrong = "Basic YXBpLWNsaWVudDp3cm9uZ3NlY3JldA=="
    refused = service.oauth.post_raw(
        "/auth/token", "grant_type=client_credentials", Authorization=wrong
    )
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused["WWW-Authenticate"].startswith("Basic ")
