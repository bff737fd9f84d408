"""Codes are swapped for tokens once. Source: RFC 6749 section 4.1, RFC 9700 section 4.5."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tenants.records import SYSTEM
from tenants.services import cut_offs
from tenants.services.subjects import save_subject
from tests.factories.code_flow import (
    CALLBACK,
    EMAIL,
    CodeFlow,
    answer_of,
    make_flow,
    make_web_client,
    person_of,
)
from tests.factories.tenants import make_client
from tokens.models import AuthorizationCode, Session, SignIn
from tokens.sign_out import sign_out

pytestmark = pytest.mark.django_db
RFC = "RFC 6749"
OFFLINE = "openid read offline_access"


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


def assert_refused(flow: CodeFlow, code: str, **parameters: str | None) -> None:
    refused = flow.redeem(code, **parameters)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement(RFC, "4.1.2", "A code is used once; its tokens end with a second use.")
def test_second_use_ends_every_token_of_the_first(flow: CodeFlow) -> None:
    code = flow.code(scope=OFFLINE)
    tokens = flow.redeem(code).json()
    assert_refused(flow, code)
    assert Session.objects.get().ended_reason == "reuse"
    refreshed = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    gateway = make_client(flow.tenant, "gateway", is_allowed=False)
    flow.tenant.apis.get(slug="orders").resource_server_clients.add(gateway.client)
    answer = flow.oauth.introspect(gateway, tokens["access_token"])
    assert answer.json() == {"active": False}


@pytest.mark.requirement(RFC, "4.1.2", "A code lives ten minutes at most; here, one.")
def test_code_lives_a_minute(flow: CodeFlow) -> None:
    code = flow.code()
    row = AuthorizationCode.objects.get()
    assert row.expires_at - row.created_at == timedelta(seconds=60)
    row.expires_at = row.created_at
    row.save()
    assert_refused(flow, code)


@pytest.mark.requirement(RFC, "4.1.3", "The code was issued to this client.")
def test_another_clients_code_is_refused_and_not_burned(flow: CodeFlow) -> None:
    code = flow.code()
    thief = CodeFlow(flow.tenant, make_web_client(flow.tenant, "thief"))
    assert_refused(thief, code)
    assert flow.redeem(code).status_code == 200
    assert_refused(thief, code)
    assert Session.objects.get().ended_at is None


@pytest.mark.requirement(RFC, "4.1.3", "redirect_uri is the same as in the request.")
@pytest.mark.parametrize(
    "redirect_uri",
    [None, "https://app.example/other", f"{CALLBACK}?", f"{CALLBACK}/", "https://evil.example/"],
)
def test_another_redirect_uri_is_refused(flow: CodeFlow, redirect_uri: str | None) -> None:
    code = flow.code()
    assert_refused(flow, code, redirect_uri=redirect_uri)
    assert flow.redeem(code).status_code == 200


WORTHLESS = {
    "nothing": "x",
    "prefix only": "aac_",
    "another kind": "art_" + "A" * 64,
    "made up": "aac_" + "A" * 64,
    "long": "a" * 10_000,
}


@pytest.mark.parametrize("code", WORTHLESS.values(), ids=WORTHLESS)
def test_worthless_code_is_refused(flow: CodeFlow, code: str) -> None:
    assert_refused(flow, code)


def test_missing_code_is_an_invalid_request(flow: CodeFlow) -> None:
    assert flow.redeem("").json()["error"] == "invalid_request"


def test_code_dies_with_the_sign_in(flow: CodeFlow) -> None:
    code = flow.code()
    sign_in = SignIn.objects.get()
    sign_out(flow.tenant.pk, sign_in.pk, ended_reason="signed_out", now=time.time())
    assert_refused(flow, code)


def test_code_dies_with_the_person(flow: CodeFlow) -> None:
    code = flow.code()
    person = person_of(flow)
    person.is_enabled = False
    save_subject(person, actor=SYSTEM)
    assert_refused(flow, code)


@pytest.mark.parametrize("selector", ["subject", "client", "tenant"])
def test_code_dies_by_a_cut_off(flow: CodeFlow, selector: str) -> None:
    code = flow.code()
    chosen: dict[str, Any] = {
        "subject": {"subject_id": person_of(flow).pk},
        "client": {"client_id": flow.client.client.pk},
        "tenant": {},
    }[selector]
    cut_offs.end(flow.tenant.pk, actor=SYSTEM, **chosen)
    assert_refused(flow, code)


def test_cut_off_of_somebody_else_leaves_the_code_alone(flow: CodeFlow) -> None:
    code = flow.code()
    other = make_web_client(flow.tenant, "other")
    cut_offs.end(flow.tenant.pk, actor=SYSTEM, client_id=other.client.pk)
    assert flow.redeem(code).status_code == 200


@pytest.mark.requirement("OIDC Core", "11", "A refresh token needs offline_access.")
def test_refresh_token_comes_with_offline_access_only(flow: CodeFlow) -> None:
    assert "refresh_token" not in flow.tokens()
    tokens = flow.tokens(scope=OFFLINE)
    answer = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert answer.status_code == 200, answer.content
    assert set(answer.json()["scope"].split()) == set(OFFLINE.split())


def test_client_that_needs_no_offline_access_is_refreshed_without(flow: CodeFlow) -> None:
    made = make_web_client(flow.tenant, "machine", requires_offline_access=False)
    assert "refresh_token" in CodeFlow(flow.tenant, made).tokens()


@pytest.mark.requirement(RFC, "4.1.2.1", "The client's own mistakes are told before sign-in.")
def test_client_without_the_grant_is_told_so_before_anybody_signs_in(flow: CodeFlow) -> None:
    made = make_web_client(flow.tenant, "service", grant_types=["client_credentials"])
    refused = answer_of(CodeFlow(flow.tenant, made).ask())
    assert (refused["error"], refused["state"]) == ("unauthorized_client", "a-state")


@pytest.mark.requirement(RFC, "4.1.2.1", "invalid_scope")
@pytest.mark.parametrize("scope", ["unknown", "management:users:read", "read\x7f", "read \t x"])
def test_scope_that_the_client_has_not_is_refused(flow: CodeFlow, scope: str) -> None:
    assert answer_of(flow.ask(scope=scope))["error"] == "invalid_scope"


def test_request_without_scope_asks_for_the_default(flow: CodeFlow) -> None:
    made = make_web_client(flow.tenant, "plain", default_scopes=["read"])
    assert CodeFlow(flow.tenant, made).tokens(scope=None)["scope"] == "read"


def test_policy_that_denies_is_told_before_anybody_agrees(flow: CodeFlow) -> None:
    made = make_web_client(flow.tenant, "denied", is_allowed=False)
    other = CodeFlow(flow.tenant, made)
    other.sign_in()
    assert answer_of(other.ask())["error"] in {"access_denied", "unauthorized_client"}


REDIRECT_URIS = {
    "native": ("com.example.app:/callback", "com.example.app:/callback"),
    "loopback with a port of its own": (
        "http://127.0.0.1/callback",
        "http://127.0.0.1:51004/callback",
    ),
    "IPv6 loopback": ("http://[::1]/callback", "http://[::1]:51004/callback"),
    "query": ("https://app.example/cb?tenant=1", "https://app.example/cb?tenant=1"),
}


@pytest.mark.requirement("RFC 8252", "7.3", "The port of a loopback address is free.")
@pytest.mark.parametrize("uris", REDIRECT_URIS.values(), ids=REDIRECT_URIS)
def test_registered_redirect_uris_are_answered(flow: CodeFlow, uris: tuple[str, str]) -> None:
    registered, used = uris
    native = make_web_client(
        flow.tenant,
        "native",
        kind="native",
        token_endpoint_auth_method="none",
        redirect_uris=registered,
    )
    other = CodeFlow(flow.tenant, native)
    page = other.ask(redirect_uri=used)
    answer = other.agree(other.person.prove(page, EMAIL))
    location = answer.headers["Location"]
    assert location.startswith(f"{used}{'&' if '?' in used else '?'}code=")
    code = answer_of(answer)["code"]
    assert other.redeem(code, redirect_uri=used).status_code == 200


@pytest.mark.requirement("RFC 8252", "8.6", "Nobody answers for a native application silently.")
def test_native_application_is_confirmed_each_time(flow: CodeFlow) -> None:
    native = make_web_client(
        flow.tenant,
        "native",
        kind="native",
        token_endpoint_auth_method="none",
        redirect_uris="com.example.app:/callback",
    )
    other = CodeFlow(flow.tenant, native)
    uri = {"redirect_uri": "com.example.app:/callback"}
    other.code(**uri)
    assert answer_of(other.ask(prompt="none", **uri))["error"] == "consent_required"
    page = other.ask(**uri)
    assert b'id="consent-form"' in page.content
    assert b'name="granted"' not in page.content
    assert "code" in answer_of(other.agree(page))
