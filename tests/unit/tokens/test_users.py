"""Tests of users made and found: both rows or none, few statements, rights per caller."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import AuditEvent, ClaimRule, CutOff, Group, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.clients import save_client
from tenants.services.groups import save_group
from tenants.services.master_tokens import save_master_token
from tests.factories.master_tokens import Application, find_by_text, make_application
from tests.factories.tenants import make_client
from tests.factories.tokens import Issuer, subject_record
from tests.oauth_client import OAuthClient
from tokens.jose import decode_base64url
from tokens.models import AccessToken, Consent

if TYPE_CHECKING:
    from tenants.models import Client

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-7000-8000-000000000000"
READ, WRITE = "management:users:read", "management:users:write"


@pytest.fixture
def app() -> Application:
    return make_application()


def manager_token(app: Application, *scopes: str) -> str:
    made = make_client(app.tenant, f"manager-{len(scopes)}-{scopes[0][-4:]}", scopes=scopes)
    answer: dict[str, Any] = OAuthClient(app.tenant).token(made).json()
    token: str = answer["access_token"]
    return token


def test_user_and_token_are_stored_both_or_not_at_all(app: Application) -> None:
    app.add_user()
    with connection.cursor() as cursor:
        # As if there were no partition for the token's expiry.
        cursor.execute("ALTER TABLE tokens_accesstoken ADD CONSTRAINT no CHECK (false) NOT VALID")
    refused = app.send("POST", "/users", app.private, {"name": "Anna"})
    assert (refused.status_code, refused["Retry-After"]) == (503, "1")
    assert not Subject.objects.filter(name="Anna").exists()


def test_denied_request_makes_no_user(app: Application) -> None:
    app.tenant.access_policies.all().delete()
    refused = app.send("POST", "/users", app.private, {})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert not Subject.objects.exists()


def test_token_keeps_who_gave_it(app: Application) -> None:
    made = app.add_user(app.public)
    row = AccessToken.objects.get()
    assert str(row.subject_id) == made["user"]["id"]
    assert row.master_token_id == app.tenant.master_tokens.get(kind="public").pk
    assert row.grant_type == "urn:authplatform:grant-type:master-token"
    assert row.session_id is None
    event = AuditEvent.objects.get(event="subject.created")
    assert (event.actor_kind, event.actor_id) == ("master_token", str(row.master_token_id))


def test_reading_a_user_costs_two_statements_and_a_page_no_more(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    for _ in range(3):
        app.add_user()
    app.send("GET", "/me", app.private)  # The configuration is in the snapshot from here on.
    for path in (f"/users/{user_id}", "/users?page_size=3"):
        with CaptureQueriesContext(connection) as statements:
            assert app.send("GET", path, app.private).status_code == 200
        ours = [s["sql"] for s in statements if "tenants_cutoff" not in s["sql"]]
        assert len(ours) == 2, ours


def test_pages_follow_one_another(app: Application) -> None:
    ids = sorted(app.add_user()["user"]["id"] for _ in range(5))
    found: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        page = app.send("GET", f"/users?page_size=2&cursor={cursor}", app.private).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (ids, None)


def test_pages_of_tokens_follow_one_another(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    for _ in range(4):
        app.send("POST", f"/users/{user_id}/tokens", app.private, {})
    found: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        path = f"/users/{user_id}/tokens?page_size=2&cursor={cursor}"
        page = app.send("GET", path, app.private).json()
        found += [item["jti"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(set(found)) == len(found) == 5


@pytest.mark.parametrize("field", ["external_id", "email"])
def test_users_are_found_by_what_is_known_of_them(app: Application, field: str) -> None:
    app.add_user()
    value = "anna@example.com"
    user_id = app.add_user(**{field: value})["user"]["id"]
    page = app.send("GET", f"/users?{field}={value}", app.private).json()
    assert [item["id"] for item in page["items"]] == [user_id]


def test_management_scopes_read_and_write(app: Application) -> None:
    reader, writer = manager_token(app, READ), manager_token(app, WRITE)
    user_id = app.add_user(attributes={"a": 1})["user"]["id"]
    path = f"/users/{user_id}"
    assert app.send("GET", path, reader).json()["attributes"] == {"a": 1}
    assert app.send("GET", path, writer).status_code == 404
    assert app.send("GET", "/users", reader).status_code == 200
    assert app.send("GET", "/users", writer).status_code == 403
    assert app.send("DELETE", f"{path}/tokens", reader).status_code == 403
    assert app.send("DELETE", f"{path}/tokens", writer).status_code == 204
    assert app.send("POST", f"{path}/tokens", reader, {}).status_code == 403
    assert app.send("POST", "/users", reader, {}).status_code == 403
    made = app.send("POST", "/users", writer, {"external_id": "a", "attributes": {"b": 2}})
    assert made.status_code == 201
    assert made["Location"].endswith(f"/users/{made.json()['user']['id']}")
    assert "access_token" not in made.json()
    assert app.send("GET", "/me", writer).status_code == 404


def test_management_scope_that_was_taken_away_is_gone_at_once(app: Application) -> None:
    token = manager_token(app, READ)
    assert app.send("GET", "/users", token).status_code == 200
    client: Client = app.tenant.clients.get(client_id=f"manager-1-{READ[-4:]}")
    save_client(client, actor=SYSTEM, links={"scopes": [], "default_scopes": []})
    assert app.send("GET", "/users", token).status_code == 403


def test_attributes_are_not_for_every_application(app: Application) -> None:
    made = app.add_user(attributes={"risk": "high"})
    for path in ("/me", f"/users/{made['user']['id']}"):
        assert "attributes" not in app.send("GET", path, made["access_token"]).json()
    query = "{ getAuthorisedUser { user { attributes } } }"
    answer = app.query(made["access_token"], query).json()["data"]["getAuthorisedUser"]
    assert answer["user"]["attributes"] is None


@pytest.mark.parametrize("path", ["", "/tokens", "/consents", f"/tokens/{NOBODY}"])
def test_unknown_user_is_404_and_an_empty_list_is_not(app: Application, path: str) -> None:
    assert app.send("GET", f"/users/{uuid4()}{path}", app.private).status_code == 404
    user_id = app.send("POST", "/users", manager_token(app, WRITE), {}).json()["user"]["id"]
    answer = app.send("GET", f"/users/{user_id}{path}", app.private)
    if path in {"/tokens", "/consents"}:
        assert (answer.status_code, answer.json()["items"]) == (200, [])


def make_consent(app: Application, user_id: str) -> Consent:
    now = timezone.now()
    return Consent.objects.create(
        tenant=app.tenant,
        client=app.client,
        subject_id=user_id,
        scopes=["read:accounts"],
        granted_at=now,
        expires_at=now + timedelta(days=1),
    )


def test_withdrawn_consent_ends_what_the_client_got_by_it(app: Application) -> None:
    made = app.add_user()
    user_id, mine = made["user"]["id"], made["access_token"]
    consent = make_consent(app, user_id)
    path = f"/users/{user_id}/consents"
    (listed,) = app.send("GET", path, mine).json()["items"]
    assert (listed["id"], listed["client_id"]) == (str(consent.pk), "application")
    assert app.send("DELETE", f"{path}/{uuid4()}", mine).status_code == 404
    assert app.send("DELETE", f"{path}/{consent.pk}", mine).status_code == 204
    assert not Consent.objects.exists()
    cut_off = CutOff.objects.get()
    assert (str(cut_off.subject_id), cut_off.client_id) == (user_id, app.client.pk)
    assert app.send("GET", "/me", mine).status_code == 401


def test_all_consents_are_withdrawn_at_once(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    make_consent(app, user_id)
    assert app.send("DELETE", f"/users/{user_id}/consents", app.private).status_code == 204
    assert app.send("GET", f"/users/{user_id}/consents", app.private).json() == {"items": []}


def test_expired_consents_and_tokens_are_not_shown(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    consent = make_consent(app, user_id)
    consent.expires_at = timezone.now()
    consent.save()
    assert app.send("GET", f"/users/{user_id}/consents", app.private).json() == {"items": []}
    AccessToken.objects.update(expires_at=timezone.now())
    assert app.send("GET", f"/users/{user_id}/tokens", app.private).json()["items"] == []


def test_ending_a_token_ends_the_session_that_would_renew_it(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    made = make_client(
        app.tenant,
        "web",
        scopes=["read:accounts"],
        grant_types=["urn:ietf:params:oauth:grant-type:jwt-bearer", "refresh_token"],
        refresh_token_enabled=True,
    )
    issuer = Issuer(app.tenant, app.tenant.apis.get(slug="accounts"), made.client_id)
    subject = subject_record(Subject.objects.get().pk)
    issuer.issue(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", subject=subject)
    row = AccessToken.objects.get(session_id__isnull=False)
    path = f"/users/{user_id}/tokens/{row.pk}"
    assert app.send("GET", path, app.private).json()["session"] == str(row.session_id)
    assert app.send("DELETE", path, app.private).status_code == 204
    assert app.send("GET", path, app.private).status_code == 404
    assert app.send("DELETE", path, app.private).status_code == 404
    assert AuditEvent.objects.filter(event="session.ended", entity_id=row.session_id).exists()


def test_token_tells_of_the_users_groups_where_the_client_wants_it(app: Application) -> None:
    user_id = app.add_user()["user"]["id"]
    group = Group(tenant=app.tenant, slug="staff", permissions=["orders"])
    save_group(group, actor=SYSTEM, links={"subjects": [Subject.objects.get()]})
    app.client.group_claims = "rfc9068"
    save_client(app.client, actor=SYSTEM)
    issued = app.send("POST", f"/users/{user_id}/tokens", app.private, {}).json()
    payload = issued["access_token"].split(".")[1]
    assert json.loads(decode_base64url(payload))["groups"] == ["staff"]


def test_first_token_of_a_user_reads_the_attributes_they_were_made_with(app: Application) -> None:
    rule = ClaimRule(
        tenant=app.tenant,
        slug="plan",
        claim="plan",
        source="subject_attribute",
        value="plan",
        is_required=True,
    )
    changes.save(rule, actor=SYSTEM)
    made = app.add_user(attributes={"plan": "gold"})
    user_id = made["user"]["id"]
    second = app.send("POST", f"/users/{user_id}/tokens", app.private, {}).json()
    for answer in (made, second):
        payload = answer["access_token"].split(".")[1]
        assert json.loads(decode_base64url(payload))["plan"] == "gold"
    before = Subject.objects.count()
    refused = app.send("POST", "/users", app.private, {"name": "Anna"})
    assert (refused.status_code, Subject.objects.count()) == (400, before)


def test_kill_switch_reaches_what_was_exchanged(app: Application) -> None:
    made = app.add_user(app.public)
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    server = make_client(app.tenant, "server", scopes=["read:accounts"], grant_types=[exchange])
    app.tenant.apis.get(slug="accounts").resource_server_clients.add(server.client)
    changes.save(app.tenant, actor=SYSTEM)
    answer = app.oauth.token(
        server,
        grant_type=exchange,
        subject_token=made["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        scope="read:accounts",
    )
    assert answer.status_code == 200, answer.content
    derived = answer.json()["access_token"]
    assert app.send("GET", "/me", derived).status_code == 200
    # It was made to do less than the user's own token, which may end all the others.
    path = f"/users/{made['user']['id']}/tokens"
    assert app.send("DELETE", path, derived).status_code == 403
    token = find_by_text(app.tenant, app.public)
    token.is_enabled = False
    save_master_token(token, actor=SYSTEM)
    assert app.send("GET", "/me", derived).status_code == 401


def test_subjects_of_the_application_are_none_of_the_users(app: Application) -> None:
    made = make_client(
        app.tenant,
        "acting",
        scopes=["read:accounts"],
        may_impersonate=True,
        impersonated_tenants=["t"],
        impersonated_subjects=["s"],
    )
    scope = app.tenant.scopes.get(name="read:accounts")
    save_client(made.client, actor=SYSTEM, links={"impersonation_scopes": [scope]})
    acting = app.oauth.token(made, app_tenant_id="t", app_subject_id="s")
    assert acting.status_code == 200, acting.content
    token = acting.json()["access_token"]
    assert app.send("GET", "/me", token).status_code == 404
    assert app.send("GET", "/users", token).status_code == 403
    assert app.send("GET", f"/users/{app.add_user()['user']['id']}", token).status_code == 404
    assert app.send("GET", "/oauth/userinfo", token).status_code == 403
