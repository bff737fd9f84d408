"""RFC 7662: what a token is worth, and who may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import ClaimProfile, ClaimRule
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import make_api, make_client
from tests.oauth_client import basic
from tests.rfc.verification import ORDERS, issuer_of

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

INACTIVE = {"active": False}


def _token(oauth: OAuthClient, client: MadeClient, **parameters: Any) -> str:  # noqa: ANN401 - as sent.
    text: str = oauth.token(client, **parameters).json()["access_token"]
    return text


@pytest.mark.usefixtures("api")
@pytest.mark.requirement(
    "RFC 7662", "2.2", "The answer has active, scope, client_id, exp and more."
)
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_client_knows_its_own_token(
    oauth: OAuthClient, tenant: Tenant, token_format: str
) -> None:
    client = make_client(tenant, scopes=["read"], access_token_format=token_format)
    response = oauth.introspect(client, _token(oauth, client))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    told = response.json()
    assert told["exp"] - told["iat"] == 3600
    assert told["jti"]
    expected = {
        "active": True,
        "scope": "read",
        "client_id": client.client_id,
        "sub": client.client_id,
        "token_type": "Bearer",
        "aud": ORDERS,
        "iss": issuer_of(tenant),
    }
    assert {name: told[name] for name in expected} == expected


@pytest.mark.requirement("RFC 7662", "4", "A resource server learns what concerns it, and no more.")
def test_a_resource_server_sees_its_own_scopes_and_audience(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient
) -> None:
    bills = make_api(tenant, "bills", scopes=["pay"])
    for api, claim in ((bills, "https://bills.example/tier"), (None, "https://all.example/x")):
        changes.save(
            ClaimRule(tenant=tenant, slug=f"r{bool(api)}".lower(), claim=claim, value=1, api=api),
            actor=SYSTEM,
        )
    client = make_client(tenant, scopes=["read", "write", "pay"])
    token = _token(oauth, client, scope="read pay")
    told = oauth.introspect(gateway, token).json()
    assert told["active"] is True
    assert told["scope"] == "read"
    assert told["aud"] == ORDERS
    assert "https://bills.example/tier" not in told
    assert told["https://all.example/x"] == 1
    whole = oauth.introspect(client, token).json()
    assert whole["scope"] == "read pay"
    assert "https://bills.example/tier" in whole


@pytest.mark.requirement("RFC 7662", "4", "Nobody else learns whether a token is active.")
def test_anybody_else_learns_nothing(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    make_api(tenant, "bills", scopes=["pay"])
    stranger = make_client(tenant, "stranger", scopes=["read"])
    payer = make_client(tenant, "payer", scopes=["pay"])
    assert oauth.introspect(stranger, _token(oauth, service)).json() == INACTIVE
    assert oauth.introspect(gateway, _token(oauth, payer)).json() == INACTIVE


def test_a_server_that_is_one_no_longer_learns_nothing(
    oauth: OAuthClient, api: Api, service: MadeClient, gateway: MadeClient
) -> None:
    token = _token(oauth, service)
    assert oauth.introspect(gateway, token).json()["active"] is True
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": []})
    assert oauth.introspect(gateway, token).json() == INACTIVE


@pytest.mark.requirement("RFC 7662", "2.1", "The caller must be authenticated.")
def test_the_caller_must_authenticate(oauth: OAuthClient, service: MadeClient) -> None:
    token = _token(oauth, service)
    assert oauth.introspect(None, token).status_code == 401
    wrong = oauth.post_raw(
        "/oauth/introspect", f"token={token}", Authorization=basic(service.client_id, "wrong")
    )
    assert wrong.status_code == 401
    assert wrong["WWW-Authenticate"].startswith("Basic ")
    bearer = oauth.post_raw("/oauth/introspect", f"token={token}", Authorization=f"Bearer {token}")
    assert bearer.status_code == 401


@pytest.mark.requirement("RFC 7662", "4", "A public client could let anybody scan for tokens.")
def test_a_public_client_is_refused(oauth: OAuthClient, tenant: Tenant) -> None:
    public = make_client(
        tenant, "public", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    response = oauth.introspect(None, "x", client_id=public.client_id)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_the_token_is_required(oauth: OAuthClient, service: MadeClient) -> None:
    response = oauth.post("/oauth/introspect", service)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


HOSTILE = {
    "garbage": "garbage",
    "dots": "..",
    "empty segments": ".e30.",
    "no jti": "e30.e30.AA",
    "a jti that is no id": "e30.eyJqdGkiOiJ4In0.AA",
    "a list": "e30.W10.AA",
    "not ASCII": "ü.ü.ü",
    "emoji": "😀",
    "opaque form": "A" * 64,
    "opaque, lower case": "a" * 64,
    "refresh form": "art_" + "A" * 64,
    "a client secret": "acs_" + "A" * 64,
    "long": "x" * 60_000,
    "five segments": "a.b.c.d.e",
    "deep": "e30." + "W1tb" * 4000 + ".AA",
    "spaces": "   ",
}


@pytest.mark.requirement("RFC 7662", "2.2", "Whatever is no token of ours is just not active.")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_token_is_inactive(oauth: OAuthClient, service: MadeClient, text: str) -> None:
    response = oauth.introspect(service, text)
    assert response.status_code == 200
    assert response.json() == INACTIVE


@pytest.mark.requirement("RFC 7662", "2.1", "A wrong token_type_hint changes nothing.")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_the_hint_does_not_matter(oauth: OAuthClient, refresher: MadeClient, hint: str) -> None:
    answer = oauth.token(refresher).json()
    for token in (answer["access_token"], answer["refresh_token"]):
        told = oauth.introspect(refresher, token, token_type_hint=hint).json()
        assert told["active"] is True


@pytest.mark.usefixtures("tenant")
def test_a_refresh_token_is_known_to_its_client_only(
    oauth: OAuthClient, refresher: MadeClient, gateway: MadeClient
) -> None:
    first = oauth.token(refresher).json()["refresh_token"]
    told = oauth.introspect(refresher, first).json()
    assert told["active"] is True
    assert told["scope"] == "read write"
    assert told["client_id"] == "refresher"
    assert oauth.introspect(gateway, first).json() == INACTIVE
    second = oauth.token(refresher, grant_type="refresh_token", refresh_token=first).json()
    assert oauth.introspect(refresher, first).json() == INACTIVE
    assert oauth.introspect(refresher, second["refresh_token"]).json()["active"] is True


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 7662", "2.2", "An expired token is not active.")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_an_expired_token_is_inactive(
    oauth: OAuthClient, tenant: Tenant, token_format: str
) -> None:
    client = make_client(tenant, scopes=["read"], access_token_format=token_format)
    with time_machine.travel(timezone.now()) as clock:
        token = _token(oauth, client)
        clock.shift(3_590)
        assert oauth.introspect(client, token).json()["active"] is True
        clock.shift(11)
        assert oauth.introspect(client, token).json() == INACTIVE


def test_a_warm_request_runs_one_statement(
    oauth: OAuthClient,
    service: MadeClient,
    gateway: MadeClient,
    settings: Any,  # noqa: ANN401 - the fixture.
) -> None:
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60
    token = _token(oauth, service)
    oauth.introspect(gateway, token)
    with CaptureQueriesContext(connection) as statements:
        assert oauth.introspect(gateway, token).json()["active"] is True
    assert len(statements) == 1


def test_a_token_outlives_the_claim_profile_it_was_made_by(
    oauth: OAuthClient, tenant: Tenant, api: Api, service: MadeClient
) -> None:
    profile = ClaimProfile(tenant=tenant, slug="ours", base="onewelcome")
    changes.save(profile, actor=SYSTEM)
    api.claim_profile = "ours"
    changes.save(api, actor=SYSTEM)
    token = _token(oauth, service)
    assert oauth.introspect(service, token).json()["cid"] == service.client_id
    changes.delete(profile, actor=SYSTEM)
    told = oauth.introspect(service, token).json()
    assert told["active"] is True
    assert told["client_id"] == service.client_id
