"""Thinktecture: an app sends a person through an application's address; they may take it back."""

from __future__ import annotations

import pytest

from tenants import snapshot
from tenants.models import Api, Scope, Tenant
from tenants.records import SYSTEM
from tenants.services.clients import save_client
from tests.browser_person import PASSWORD
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_web_client, person_of
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import MadeClient, make_client
from tests.seeds.wire import read_jwt
from tests.unit.tenants.configuration.files import apply
from tests.unit.tenants.configuration.files import tenant as write_tenant
from tokens.models import Consent, Session

pytestmark = pytest.mark.django_db
DOCUMENT = """\
claim_profile: thinktecture
signing_algorithm: RS256
apis:
- slug: users
  name: Users
  audience: users
  access_token_lifetime_seconds: 3600
  scopes:
  - {name: read, title: Read, description: Read the list of users}
  - {name: search, title: Search, emphasized: true}
  - {name: delete, title: Delete users}
- slug: orders
  name: Orders
  audience: orders
  scopes: [{name: order, title: Order}]
"""
ASKED = "read search delete offline_access"
HOUR_SECONDS = 3_600


@pytest.fixture
def flow() -> CodeFlow:
    apply(write_tenant(DOCUMENT))
    tenant = Tenant.objects.get(slug="globex")
    make_subject_with_password(tenant, EMAIL)
    scopes = ["read", "search", "delete", "order", "offline_access"]
    return CodeFlow(tenant, make_web_client(tenant, "app", scopes=scopes))


@pytest.fixture
def gateway(flow: CodeFlow) -> MadeClient:
    made = make_client(flow.tenant, "gateway", is_allowed=False)
    Api.objects.get(slug="users").resource_server_clients.add(made.client)
    return made


def test_person_agrees_scope_by_scope_and_the_app_gets_no_more(flow: CodeFlow) -> None:
    page = flow.person.prove(flow.ask("users", scope=ASKED), EMAIL)
    text = page.content.decode()
    assert text.index("Search") < text.index("Delete users") < text.index("Read the list of users")
    answer = answer_of(flow.agree(page, granted=["read", "search", "offline_access"]))
    tokens = flow.redeem(answer["code"], "users").json()
    assert set(tokens["scope"].split()) == {"read", "search", "offline_access"}
    claims = read_jwt(flow.oauth, tokens["access_token"], audience="users", algorithm="RS256")
    assert claims["scope"]
    refreshed = flow.oauth.post(
        "/apis/users/oauth/token",
        flow.client,
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
    )
    assert refreshed.status_code == 200, refreshed.content
    assert set(refreshed.json()["scope"].split()) == {"read", "search", "offline_access"}


def test_address_of_one_application_gives_nothing_of_another(flow: CodeFlow) -> None:
    assert answer_of(flow.ask("users", scope="order"))["error"] == "invalid_scope"
    assert answer_of(flow.ask("nothing", scope="read"))["error"] == "invalid_target"
    code = flow.code("users", scope="read")
    assert flow.redeem(code, "orders").json()["error"] == "invalid_grant"
    assert flow.redeem(code).status_code == 200


def test_person_withdraws_it_and_everything_ends_at_once(
    flow: CodeFlow, gateway: MadeClient
) -> None:
    tokens = flow.tokens("users", scope=ASKED)
    assert flow.oauth.introspect(gateway, tokens["access_token"]).json()["active"] is True
    assert Consent.objects.get().subject_id == person_of(flow).pk
    assert b"The web app" in flow.person.open("/account").content
    address = f"/account/apps/{flow.client.client.pk}"
    assert b"Read the list of users" in flow.person.open(address).content
    flow.person.submit(flow.person.open(f"{address}/withdraw"), "question-form")
    assert not Consent.objects.exists()
    assert flow.oauth.introspect(gateway, tokens["access_token"]).json() == {"active": False}
    refused = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refused.json()["error"] == "invalid_grant"
    assert b'id="consent-form"' in flow.ask("users", scope="read").content


def test_scopes_of_the_person_themselves_need_no_application(flow: CodeFlow) -> None:
    flow.client.client.scopes.add(Scope.objects.get(tenant=flow.tenant, name="openid"))
    snapshot.CURRENT.forget()
    tokens = flow.tokens("users", scope="openid read")
    assert "id_token" in tokens


def test_person_says_for_how_long_the_app_stays_connected(flow: CodeFlow) -> None:
    """There, consent has a duration out of the application's list; it bounds what is refreshed."""
    flow.client.client.offline_lifetimes_seconds = [HOUR_SECONDS, 7 * 24 * HOUR_SECONDS]
    save_client(flow.client.client, actor=SYSTEM)
    snapshot.CURRENT.forget()
    page = flow.person.prove(flow.ask("users", scope=ASKED), EMAIL)
    assert "7 days" in page.content.decode()
    code = answer_of(flow.agree(page, offline_seconds=str(HOUR_SECONDS)))["code"]
    assert "refresh_token" in flow.redeem(code, "users").json()
    session = Session.objects.get()
    lifetime = (session.expires_at - session.started_at).total_seconds()
    assert lifetime == pytest.approx(HOUR_SECONDS, abs=5)


def test_token_in_the_address_is_refused_on_purpose(flow: CodeFlow) -> None:
    """There, the implicit flow was for pages in a browser; they take a code now."""
    refused = answer_of(flow.ask("users", scope="read", response_type="token"))
    assert refused["error"] == "unsupported_response_type"
    assert "access_token" not in refused


def test_password_in_the_hands_of_an_app_is_refused_on_purpose(flow: CodeFlow) -> None:
    """There, a trusted application took the person's password; nobody does now."""
    refused = flow.oauth.token(
        flow.client, grant_type="password", username=EMAIL, password=PASSWORD, scope="read"
    )
    assert refused.json()["error"] == "unsupported_grant_type"
