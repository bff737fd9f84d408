"""What happens between the consent page and its form, and what an answer never carries along."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tenants.models import AccessPolicy
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.code_flow import CALLBACK, VERIFIER, CodeFlow, answer_of, make_flow
from tests.factories.tenants import find_scopes
from tokens.models import AuthorizationCode, Consent, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
HOSTILE_STATES = {
    "markup": '"><script>alert(1)</script>',
    "line breaks": "a\r\nSet-Cookie: x=1",
    "another parameter": "a&code=stolen&iss=https://evil.example",
    "fragment": "a#code=stolen",
    "letters": "\u202e\U0001f600",
    "long": "s" * 3_000,
}


@pytest.fixture
def flow() -> CodeFlow:
    """A person who is signed in and has agreed to nothing."""
    made = make_flow()
    made.sign_in()
    return made


def agree_later(flow: CodeFlow, page: HttpResponse) -> HttpResponse:
    snapshot.CURRENT.forget()
    return flow.agree(page)


def test_a_client_that_was_switched_off_gets_nothing(flow: CodeFlow) -> None:
    page = flow.ask()
    client = flow.client.client
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    answer = agree_later(flow, page)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert not AuthorizationCode.objects.exists()


def test_a_redirect_uri_that_was_taken_away_is_not_answered(flow: CodeFlow) -> None:
    page = flow.ask()
    client = flow.client.client
    client.redirect_uris = "https://app.example/new"
    changes.save(client, actor=SYSTEM)
    answer = agree_later(flow, page)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_policy_that_denies_meanwhile_is_told_to_the_client(flow: CodeFlow) -> None:
    page = flow.ask()
    policy = AccessPolicy(tenant=flow.tenant, slug="no-readers", effect="deny")
    changes.save(policy, actor=SYSTEM, links={"scopes": find_scopes(flow.tenant, ["read"])})
    assert answer_of(agree_later(flow, page))["error"] == "invalid_scope"
    assert not AuthorizationCode.objects.exists()


def test_whoever_was_signed_out_meanwhile_signs_in_first(flow: CodeFlow) -> None:
    page = flow.ask()
    SignIn.objects.update(ended_at="2026-01-01T00:00:00Z", ended_reason="signed_out")
    answer = agree_later(flow, page)
    assert b'id="password-form"' in answer.content
    assert not Consent.objects.exists()
    assert not AuthorizationCode.objects.exists()


def test_a_form_that_is_sent_twice_gives_codes_of_their_own(flow: CodeFlow) -> None:
    page = flow.ask()
    address = flow.person.address
    first = answer_of(flow.agree(page))["code"]
    flow.person.address = address
    second = answer_of(flow.agree(page))["code"]
    assert first != second
    assert Consent.objects.count() == 1
    assert {flow.redeem(code).status_code for code in (first, second)} == {200}


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("state", HOSTILE_STATES.values(), ids=HOSTILE_STATES)
def test_a_state_comes_back_as_it_was_and_does_nothing(
    flow: CodeFlow, mode: str, state: str
) -> None:
    answer = flow.agree(flow.ask(state=state, response_mode=mode))
    if mode == "form_post":
        form = flow.person.form(answer)
        assert (form.action, form.fields["state"]) == (CALLBACK, [state])
        assert set(form.fields) == {"code", "state", "iss"}
        assert b"<script>alert" not in answer.content
    else:
        told = answer_of(answer)
        assert (told["state"], told["iss"]) == (state, flow.person.issuer)
        assert told["code"].startswith("aac_")


def test_no_code_token_or_address_stands_in_a_log(
    flow: CodeFlow, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.AUTHPLATFORM_ACCESS_LOG = True
    caplog.set_level(logging.DEBUG)
    asked = {"state": "a-state-of-theirs", "nonce": "a-nonce-of-theirs"}
    page = flow.ask(**asked, scope="openid read offline_access", login_hint="who@example.net")
    code = answer_of(flow.agree(page))["code"]
    flow.redeem(code, code_verifier="x" * 43)
    tokens = flow.redeem(code).json()
    flow.redeem(code)
    secrets = {name: text for name, text in tokens.items() if name.endswith("token")}
    assert len(secrets) == 3
    hints = {"verifier": VERIFIER, "hint": "who@example.net", "person": "ana@example.org"}
    for name, text in {**secrets, **asked, **hints, "code": code}.items():
        assert text not in caplog.text, name
