"""Ideavate: a public master token inside an application, a private one on its server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from tenants.models import MasterToken, Subject
from tenants.records import SYSTEM
from tenants.services.master_tokens import save_master_token
from tenants.services.subjects import save_subject
from tenants.services.tenants import update_tenant
from tests.factories.master_tokens import (
    ADD_TOKEN,
    ADD_USER,
    Application,
    find_by_text,
    make_application,
    make_master_token,
)
from tests.factories.tenants import make_client
from tests.seeds.wire import read_jwt

if TYPE_CHECKING:
    from typing import Any

    from tests.factories.tenants import MadeClient

pytestmark = pytest.mark.django_db
AUDIENCE = "https://api.ideavate.example/"


@pytest.fixture
def app() -> Application:
    return make_application()


@pytest.fixture
def gateway(app: Application) -> MadeClient:
    made = make_client(app.tenant, "gateway", is_allowed=False)
    app.tenant.apis.get(slug="accounts").resource_server_clients.add(made.client)
    return made


def claims_of(app: Application, token: str) -> dict[str, Any]:
    return read_jwt(app.oauth, token, audience=AUDIENCE, algorithm="ES256")


def is_active(app: Application, gateway: MadeClient, token: str) -> bool:
    return bool(app.oauth.introspect(gateway, token).json()["active"])


def test_single_page_application_makes_its_user_without_a_server(app: Application) -> None:
    answer = app.query(app.public, ADD_USER, user={"name": "Anna"}, scope="read:accounts")
    assert answer.status_code == 200, answer.content
    made = answer.json()["data"]["addUserAndAccessToken"]
    claims = claims_of(app, made["accessToken"]["accessToken"])
    assert claims["sub"] == made["user"]["id"] == str(Subject.objects.get().pk)
    assert claims["scope"] == made["accessToken"]["scope"] == "read:accounts"
    assert claims["client_id"] == "application"


def test_each_call_makes_another_user(app: Application) -> None:
    ids = {app.add_user(app.public)["user"]["id"] for _ in range(3)}
    assert len(ids) == 3


def test_issued_token_goes_into_the_header_and_says_what_it_may_do(app: Application) -> None:
    made = app.add_user(app.public, scope="read:accounts download:documents")
    assert made["token_type"] == "Bearer"
    answer = app.query(made["access_token"], "{ getAuthorisedUser { scope user { id } } }")
    described = answer.json()["data"]["getAuthorisedUser"]
    assert described["scope"] == "read:accounts download:documents"
    assert described["user"]["id"] == made["user"]["id"]
    me = app.send("GET", "/me", made["access_token"]).json()
    assert (me["id"], me["scope"]) == (made["user"]["id"], described["scope"])


def test_delegated_scope_must_be_a_part_of_the_master_tokens(app: Application) -> None:
    for token in (app.public, app.private):
        refused = app.send("POST", "/users", token, {"scope": "read:accounts write:accounts"})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
        refused = app.query(token, ADD_USER, scope="write:accounts")
        assert refused.json()["errors"][0]["extensions"]["code"] == "INVALID_SCOPE"
    assert not Subject.objects.exists()


def test_without_a_scope_the_defaults_of_the_client_hold(app: Application) -> None:
    assert app.add_user(app.public)["scope"] == "read:accounts"


def test_tenant_says_how_long_the_token_lives(app: Application) -> None:
    app.tenant.access_token_lifetime_seconds = 120
    update_tenant(app.tenant, actor=SYSTEM)
    made = app.add_user(app.public)
    assert made["expires_in"] == 120
    assert "refresh_token" not in made


def test_server_makes_a_user_of_its_own_and_later_asks_for_a_token(app: Application) -> None:
    made = app.add_user(
        external_id="customer-7",
        name="Anna",
        email="anna@example.com",
        email_verified=True,
        attributes={"tariff": "green"},
    )
    assert made["user"]["external_id"] == "customer-7"
    assert made["user"]["attributes"] == {"tariff": "green"}
    answer = app.query(app.private, ADD_TOKEN, user=made["user"]["id"], scope="download:documents")
    issued = answer.json()["data"]["addAccessToken"]
    claims = claims_of(app, issued["accessToken"])
    assert (claims["sub"], claims["scope"]) == (made["user"]["id"], "download:documents")


def test_server_reads_any_user(app: Application) -> None:
    user = app.add_user(app.public, name="Anna")["user"]
    query = "query ($id: ID!) { getUser(id: $id) { name enabled groups } }"
    found = app.query(app.private, query, id=user["id"]).json()["data"]["getUser"]
    assert found == {"name": "Anna", "enabled": True, "groups": []}
    page = app.send("GET", "/users?email=", app.private).json()
    assert [item["id"] for item in page["items"]] == [user["id"]]
    assert page["next_cursor"] is None


def test_kill_switch_ends_what_the_master_token_gave_and_nothing_else(
    app: Application, gateway: MadeClient
) -> None:
    ours, theirs = app.add_user(app.public), app.add_user(app.private)
    assert is_active(app, gateway, ours["access_token"])
    token = find_by_text(app.tenant, app.public)
    token.is_enabled = False
    save_master_token(token, actor=SYSTEM, reason="found in a fork")
    assert not is_active(app, gateway, ours["access_token"])
    assert is_active(app, gateway, theirs["access_token"])
    assert app.send("POST", "/users", app.public, {}).status_code == 401
    # The user is still there, and the server can give them another token.
    path = f"/users/{ours['user']['id']}/tokens"
    assert app.send("POST", path, app.private, {}).status_code == 201


def test_master_token_is_rotated_without_an_outage(app: Application) -> None:
    second = make_master_token(app.tenant, app.client, kind=MasterToken.Kind.PUBLIC)
    assert app.add_user(app.public)["user"]["id"] != app.add_user(second)["user"]["id"]


def test_expired_master_token_is_refused(app: Application) -> None:
    old = make_master_token(
        app.tenant,
        app.client,
        kind=MasterToken.Kind.PRIVATE,
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    refused = app.send("POST", "/users", old, {})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert "invalid_token" in refused["WWW-Authenticate"]


def test_user_sees_and_ends_their_own_tokens(app: Application, gateway: MadeClient) -> None:
    made = app.add_user(app.public)
    mine, path = made["access_token"], f"/users/{made['user']['id']}/tokens"
    other = app.send("POST", path, app.private, {}).json()["access_token"]
    listed = app.send("GET", path, mine).json()["items"]
    assert {item["jti"] for item in listed} == {claims_of(app, t)["jti"] for t in (mine, other)}
    ended = app.send("DELETE", f"{path}/{claims_of(app, other)['jti']}", mine)
    assert ended.status_code == 204
    assert not is_active(app, gateway, other)
    assert app.send("DELETE", path, mine).status_code == 204
    assert not is_active(app, gateway, mine)
    assert app.send("GET", path, app.private).json() == {"items": [], "next_cursor": None}


def test_disabled_user_has_no_tokens_and_gets_none(app: Application, gateway: MadeClient) -> None:
    made = app.add_user()
    subject = Subject.objects.get()
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert not is_active(app, gateway, made["access_token"])
    refused = app.send("POST", f"/users/{subject.pk}/tokens", app.private, {})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
