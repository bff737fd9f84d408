"""RFC 6749 sections 4.4 and 5.1: the client credentials grant and its answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.tenants import MadeClient, allow, make_client
from tests.rfc.verification import OPAQUE, issuer_of, verify

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient


@pytest.mark.requirement("RFC 6749", "5.1", "The answer has access_token, token_type, expires_in.")
def test_a_client_gets_a_token_for_its_default_scopes(
    oauth: OAuthClient, service: MadeClient
) -> None:
    response = oauth.token(service)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["scope"] == "read"


@pytest.mark.requirement("RFC 6749", "5.1", "No cache may store an answer with a token.")
def test_the_answer_is_json_that_nobody_stores(oauth: OAuthClient, service: MadeClient) -> None:
    response = oauth.token(service)
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])


@pytest.mark.requirement("RFC 6749", "4.4.3", "A refresh token should not be included.")
def test_a_client_alone_gets_no_refresh_token(oauth: OAuthClient, tenant: Tenant) -> None:
    client = make_client(tenant, scopes=[], grant_types=["client_credentials", "refresh_token"])
    assert "refresh_token" not in oauth.token(client).json()


def test_the_token_is_what_introspection_says(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    claims = verify(oauth, token)
    told = oauth.introspect(service, token).json()
    assert told == claims | {"active": True, "token_type": "Bearer"}


@pytest.mark.usefixtures("api")
def test_an_opaque_token_says_nothing(oauth: OAuthClient, tenant: Tenant) -> None:
    client = make_client(tenant, scopes=["read"], access_token_format="opaque")
    token = oauth.token(client).json()["access_token"]
    assert re.fullmatch(OPAQUE, token)
    told = oauth.introspect(client, token).json()
    assert told["active"] is True
    assert told["iss"] == issuer_of(tenant)


def test_two_tokens_of_a_client_differ(oauth: OAuthClient, service: MadeClient) -> None:
    first, second = (verify(oauth, oauth.token(service).json()["access_token"]) for _ in range(2))
    assert first["jti"] != second["jti"]


def test_a_warm_request_runs_one_statement(
    oauth: OAuthClient, service: MadeClient, settings: object
) -> None:
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60  # type: ignore[attr-defined]  # the fixture.
    oauth.token(service)
    with CaptureQueriesContext(connection) as statements:
        assert oauth.token(service).status_code == 200
    assert [query["sql"].split()[0] for query in statements] == ["INSERT"]


NOT_ALLOWED = {
    "no policy": ([], "no_policy"),
    "a policy for another client": (["allow other"], "no_policy"),
    "a denial beside it": (["allow", "deny"], "denied"),
    "a denial for everybody": (["allow", "deny everybody"], "denied"),
}


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 6749", "5.2", "What is not authorised is an unauthorized_client.")
@pytest.mark.parametrize("policies", [row[0] for row in NOT_ALLOWED.values()], ids=NOT_ALLOWED)
def test_without_an_access_policy_there_is_no_token(
    oauth: OAuthClient, tenant: Tenant, policies: list[str]
) -> None:
    client = make_client(tenant, scopes=["read"], is_allowed=False)
    other = make_client(tenant, "other", scopes=["read"], is_allowed=False)
    for policy in policies:
        effect, _, whom = policy.partition(" ")
        clients = {"": [client.client], "other": [other.client], "everybody": []}[whom]
        allow(tenant, *clients, slug=policy.replace(" ", "-"), effect=effect)
    response = oauth.token(client)
    assert response.status_code == 400
    assert response.json()["error"] == "unauthorized_client"
