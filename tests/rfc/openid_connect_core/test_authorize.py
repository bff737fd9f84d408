"""The authorization endpoint. Source: OpenID Connect Core section 3.1.2."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tenants.models import Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.code_flow import (
    CALLBACK,
    EMAIL,
    CodeFlow,
    answer_of,
    make_flow,
    make_web_client,
    person_of,
)
from tests.factories.people import make_subject_with_password
from tests.factories.policies import make_policy
from tokens.models import Consent, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db
CORE = "OIDC Core"


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


@pytest.fixture
def known(flow: CodeFlow) -> CodeFlow:
    """A person who is signed in and has agreed before."""
    flow.tokens()
    return flow


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    """Read an ID token, whose signature other tests verify."""
    return dict(jwt.decode(tokens["id_token"], options={"verify_signature": False}))


def is_sign_in(page: HttpResponse) -> bool:
    return page.status_code == 200 and b'id="password-form"' in page.content


def is_consent(page: HttpResponse) -> bool:
    return page.status_code == 200 and b'id="consent-form"' in page.content


def age_sign_in(seconds: int) -> None:
    """Let the person have signed in longer ago."""
    sign_in = SignIn.objects.get()
    sign_in.authenticated_at = sign_in.authenticated_at.fromtimestamp(
        sign_in.authenticated_at.timestamp() - seconds, sign_in.authenticated_at.tzinfo
    )
    sign_in.save()


@pytest.mark.requirement(CORE, "3.1.2", "A code comes after sign-in and consent.")
def test_person_signs_in_agrees_and_the_client_gets_tokens(flow: CodeFlow) -> None:
    page = flow.ask(nonce="n-1")
    assert flow.person.address.startswith(f"{flow.person.issuer}/sign-in?request=")
    page = flow.person.prove(page, EMAIL)
    assert flow.person.address.startswith(f"{flow.person.issuer}/consent?request=")
    answer = answer_of(flow.agree(page))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("a-state", flow.person.issuer)
    tokens = flow.redeem(answer["code"])
    assert tokens.status_code == 200, tokens.content
    body = tokens.json()
    assert body["scope"] == "openid read"
    assert "refresh_token" not in body
    claims = claims_of(body)
    assert (claims["aud"], claims["nonce"]) == ("web-app", "n-1")
    assert claims["sub"] == str(person_of(flow).pk)


@pytest.mark.requirement(CORE, "3.1.2.1", "GET and POST are both served.")
def test_form_is_taken_like_a_link(known: CodeFlow) -> None:
    query = known.address().partition("?")[2]
    fields = {name: value for name, _, value in (pair.partition("=") for pair in query.split("&"))}
    path = f"/t/{known.tenant.path}/oauth/authorize"
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    page = known.person.http.post(
        path,
        body,
        content_type="application/x-www-form-urlencoded",
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"},
    )
    assert page.status_code == 303
    known.person.address = f"{known.person.issuer}/oauth/authorize"
    assert "code" in answer_of(known.person.follow(page))


@pytest.mark.requirement(CORE, "3.1.2.1", "none: an error instead of any page.")
def test_prompt_none_answers_a_stranger_that_they_must_sign_in(flow: CodeFlow) -> None:
    assert answer_of(flow.ask(prompt="none"))["error"] == "login_required"


@pytest.mark.requirement(CORE, "3.1.2.1", "none: an error instead of any page.")
def test_prompt_none_answers_that_the_person_must_agree(flow: CodeFlow) -> None:
    flow.sign_in()
    assert answer_of(flow.ask(prompt="none"))["error"] == "consent_required"


def test_prompt_none_gives_a_code_where_all_was_agreed_to(known: CodeFlow) -> None:
    assert "code" in answer_of(known.ask(prompt="none"))
    assert answer_of(known.ask(prompt="none", scope="openid write"))["error"] == "consent_required"


@pytest.mark.requirement(CORE, "3.1.2.1", "none with any other value is an error.")
@pytest.mark.parametrize("prompt", ["none login", "none consent", "whatever", "login whatever"])
def test_prompt_that_makes_no_sense_is_refused(flow: CodeFlow, prompt: str) -> None:
    assert answer_of(flow.ask(prompt=prompt))["error"] == "invalid_request"


@pytest.mark.requirement(CORE, "3.1.2.1", "login: the person signs in again.")
def test_prompt_login_has_the_person_sign_in_again(known: CodeFlow) -> None:
    before = SignIn.objects.get().authenticated_at
    page = known.ask(prompt="login")
    assert is_sign_in(page)
    assert "code" in answer_of(known.person.prove(page, EMAIL))
    assert SignIn.objects.get().authenticated_at > before


@pytest.mark.requirement(CORE, "3.1.2.1", "consent: the person is asked again.")
def test_prompt_consent_asks_again(known: CodeFlow) -> None:
    page = known.ask(prompt="consent")
    assert is_consent(page)
    assert "code" in answer_of(known.agree(page))


@pytest.mark.requirement(CORE, "3.1.2.1", "select_account: the person chooses.")
def test_prompt_select_account_lets_the_person_confirm_or_change(known: CodeFlow) -> None:
    page = known.ask(prompt="select_account")
    assert is_consent(page)
    assert b"Ana Silva" in page.content
    assert "code" in answer_of(known.agree(page))
    make_subject_with_password(known.tenant, "bo@example.org", name="Bo")
    page = known.ask(prompt="select_account", scope="openid")
    found = re.search(r'id="other-account"\s+href="([^"]+)"', page.content.decode())
    assert found
    page = known.person.prove(known.person.open(html.unescape(found[1])), "bo@example.org")
    assert is_consent(page)
    assert b"Bo" in page.content
    code = answer_of(known.agree(page))["code"]
    other = known.tenant.subjects.get(email="bo@example.org")
    assert claims_of(known.redeem(code).json())["sub"] == str(other.pk)


def test_prompt_create_leads_to_the_sign_up_page_where_anybody_may_sign_up(flow: CodeFlow) -> None:
    assert answer_of(flow.ask(prompt="create"))["error"] == "invalid_request"
    flow.tenant.allow_sign_up = True
    update_tenant(flow.tenant, actor=SYSTEM)
    flow.ask(prompt="create")
    assert flow.person.address.startswith(f"{flow.person.issuer}/sign-up?request=")


@pytest.mark.requirement(CORE, "3.1.2.1", "max_age: a longer ago sign-in is repeated.")
def test_max_age_has_the_person_sign_in_again(known: CodeFlow) -> None:
    age_sign_in(100)
    assert "code" in answer_of(known.ask(max_age=1000))
    assert answer_of(known.ask(max_age=50, prompt="none"))["error"] == "login_required"
    page = known.ask(max_age=50)
    assert is_sign_in(page)
    code = answer_of(known.person.prove(page, EMAIL))["code"]
    assert claims_of(known.redeem(code).json())["auth_time"] > 0


def test_max_age_of_zero_is_the_same_as_prompt_login(known: CodeFlow) -> None:
    page = known.ask(max_age=0)
    assert is_sign_in(page)
    assert "code" in answer_of(known.person.prove(page, EMAIL))


def test_default_max_age_of_the_client_holds_where_nothing_is_said(known: CodeFlow) -> None:
    age_sign_in(100)
    known.client.client.default_max_age_seconds = 50
    changes.save(known.client.client, actor=SYSTEM)
    assert answer_of(known.ask(prompt="none"))["error"] == "login_required"
    assert "code" in answer_of(known.ask(prompt="none", max_age=1000))


@pytest.mark.parametrize("max_age", ["-1", "1.5", "x", "9" * 30, "\u0661"])
def test_max_age_that_is_no_number_is_refused(flow: CodeFlow, max_age: str) -> None:
    assert answer_of(flow.ask(max_age=max_age))["error"] == "invalid_request"


@pytest.mark.requirement(CORE, "3.1.2.1", "id_token_hint: for this person, or an error.")
def test_id_token_hint_names_whom_the_client_expects(known: CodeFlow) -> None:
    hint = known.tokens()["id_token"]
    assert "code" in answer_of(known.ask(prompt="none", id_token_hint=hint))
    make_subject_with_password(known.tenant, "bo@example.org", name="Bo")
    known.sign_in("bo@example.org")
    refused = answer_of(known.ask(prompt="none", id_token_hint=hint))
    assert refused["error"] == "login_required"
    page = known.ask(id_token_hint=hint)
    assert is_sign_in(page)
    wrong = known.person.prove(page, "bo@example.org")
    assert answer_of(wrong)["error"] == "login_required"
    right = known.person.prove(known.ask(id_token_hint=hint), EMAIL)
    assert "code" in answer_of(right)


def test_id_token_hint_that_is_not_ours_or_another_clients_is_refused(known: CodeFlow) -> None:
    hint = known.tokens()["id_token"]
    head, payload, signature = hint.split(".")
    bad = [f"{head}.{payload}.{signature[::-1]}", "x", f"{head}.{payload}.", hint[:-5]]
    for text in bad:
        assert answer_of(known.ask(id_token_hint=text))["error"] == "invalid_request"
    other = CodeFlow(known.tenant, make_web_client(known.tenant, "other-app"))
    assert answer_of(other.ask(id_token_hint=hint))["error"] == "invalid_request"


@pytest.mark.requirement(CORE, "5.5.1", "A sub that is asked for is that of the person.")
def test_sub_in_the_claims_parameter_names_whom_the_client_expects(known: CodeFlow) -> None:
    subject = str(person_of(known).pk)

    def expecting(value: str) -> str:
        return json.dumps({"id_token": {"sub": {"value": value}}})

    assert "code" in answer_of(known.ask(prompt="none", claims=expecting(subject)))
    refused = answer_of(known.ask(prompt="none", claims=expecting("somebody")))
    assert refused["error"] == "login_required"


@pytest.mark.requirement(CORE, "5.5", "Claims are asked for one by one.")
def test_claims_parameter_brings_claims_into_the_id_token() -> None:
    flow = make_flow(scopes=WITH_CLAIMS)
    tokens = flow.tokens(claims=json.dumps(SINGLE | {"unknown": 1}))
    claims = claims_of(tokens)
    assert (claims["email"], claims["name"]) == (EMAIL, "Ana Silva")
    assert tokens["scope"] == "openid read"


WITH_CLAIMS = ["openid", "profile", "email", "read"]
SINGLE = {"id_token": {"email": {"essential": True}, "name": None}}


@pytest.mark.requirement(CORE, "3.1.2.4", "Nothing is told that the person did not agree to.")
def test_person_agrees_to_single_claims_by_the_scopes_that_give_them() -> None:
    flow = make_flow(scopes=WITH_CLAIMS)
    flow.tokens()
    claims = json.dumps(SINGLE | {"userinfo": {"email": None, "nickname": None}})
    assert answer_of(flow.ask(prompt="none", claims=claims))["error"] == "consent_required"
    page = flow.ask(claims=claims)
    assert is_consent(page)
    assert "Read your e-mail address" in page.content.decode()
    code = answer_of(flow.agree(page, granted=["profile"]))["code"]
    tokens = flow.redeem(code).json()
    assert tokens["scope"] == "openid read"
    assert claims_of(tokens)["name"] == "Ana Silva"
    bearer = f"Bearer {tokens['access_token']}"
    told = flow.oauth.get("/oauth/userinfo", Authorization=bearer).json()
    assert "email" not in claims_of(tokens) | told
    only_name = json.dumps({"id_token": {"name": None}})
    assert "code" in answer_of(flow.ask(prompt="none", claims=only_name))


@pytest.mark.requirement(CORE, "5.5.1", "Claims that can't be told are no error.")
def test_policies_judge_single_claims_and_refuse_nothing_else() -> None:
    flow = make_flow(scopes=WITH_CLAIMS)
    email = Scope.objects.get(tenant=flow.tenant, name="email")
    make_policy(flow.tenant, "no-mail", effect="deny", scopes=[email])
    tokens = flow.tokens(claims=json.dumps(SINGLE))
    assert tokens["scope"] == "openid read"
    assert "email" not in claims_of(tokens)


@pytest.mark.requirement(CORE, "5.5", "Claims that can't be had are no error.")
def test_claims_of_scopes_that_the_client_lacks_are_left_out(known: CodeFlow) -> None:
    asked = json.dumps(SINGLE)
    assert "code" in answer_of(known.ask(prompt="none", claims=asked))
    assert {"email", "name"}.isdisjoint(claims_of(known.tokens(claims=asked)))


MALFORMED_CLAIMS = {
    "no JSON": "{bad",
    "array": "[]",
    "text": '"x"',
    "array inside": '{"id_token": []}',
    "number inside": '{"userinfo": {"name": 1}}',
    "essential is no boolean": '{"id_token": {"acr": {"essential": "yes"}}}',
    "values are no list": '{"id_token": {"acr": {"values": "phr"}}}',
    "deep": "[" * 5000,
    "deep object": '{"id_token":' * 500 + "1" + "}" * 500,
    "repeated member": '{"id_token": {}, "id_token": {}}',
    "NaN": '{"id_token": {"x": NaN}}',
}


@pytest.mark.parametrize("claims", MALFORMED_CLAIMS.values(), ids=MALFORMED_CLAIMS)
def test_malformed_claims_parameter_is_told_to_the_client(flow: CodeFlow, claims: str) -> None:
    assert answer_of(flow.ask(claims=claims))["error"] == "invalid_request"


@pytest.mark.requirement(CORE, "5.5.1.1", "An essential acr that can't be reached is a failure.")
def test_essential_acr_is_reached_or_refused(known: CodeFlow) -> None:
    def essential(value: str) -> str:
        return json.dumps({"id_token": {"acr": {"essential": True, "values": [value]}}})

    reached = "urn:authplatform:acr:one-factor"
    assert "code" in answer_of(known.ask(prompt="none", claims=essential(reached)))
    unknown = answer_of(known.ask(claims=essential("urn:unknown")))
    assert unknown["error"] == "unmet_authentication_requirements"
    assert answer_of(known.ask(prompt="none", claims=essential("phr")))["error"] == "login_required"
    page = known.ask(claims=essential("phr"))
    assert is_sign_in(page)
    too_weak = known.person.prove(page, EMAIL)
    assert answer_of(too_weak)["error"] == "unmet_authentication_requirements"


@pytest.mark.requirement(CORE, "3.1.2.1", "acr_values are voluntary.")
def test_acr_values_are_asked_for_once_and_not_insisted_on(known: CodeFlow) -> None:
    assert "code" in answer_of(known.ask(prompt="none", acr_values="phr"))
    assert "code" in answer_of(known.ask(acr_values="urn:unknown"))
    page = known.ask(acr_values="phr")
    assert is_sign_in(page)
    assert "code" in answer_of(known.person.prove(page, EMAIL))


@pytest.mark.requirement(CORE, "6.1", "What is not supported has an error of its own.")
@pytest.mark.parametrize("name", ["request", "request_uri", "registration"])
def test_unsupported_parameter_is_named(flow: CodeFlow, name: str) -> None:
    refused = answer_of(flow.ask(**{name: "x"}))
    assert refused["error"] == f"{name}_not_supported"
    assert refused["state"] == "a-state"


RESPONSE_TYPES = ("token", "id_token", "id_token token", "code token", "code id_token", "none", "x")


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_implicit_and_hybrid_are_refused_with_the_reason(
    flow: CodeFlow, response_type: str
) -> None:
    refused = answer_of(flow.ask(response_type=response_type))
    assert refused["error"] == "unsupported_response_type"
    assert "RFC 9700" in refused["error_description"]


def test_missing_response_type_is_refused(flow: CodeFlow) -> None:
    assert answer_of(flow.ask(response_type=None))["error"] == "invalid_request"


def test_response_modes_say_where_the_answer_stands(known: CodeFlow) -> None:
    query = known.ask(response_mode="query").headers["Location"]
    fragment = known.ask(response_mode="fragment").headers["Location"]
    assert query.startswith(f"{CALLBACK}?code=")
    assert fragment.startswith(f"{CALLBACK}#code=")
    assert answer_of(known.ask(response_mode="x"))["error"] == "invalid_request"


@pytest.mark.requirement("OAuth 2.0 Form Post Response Mode", "2", "The browser posts the answer.")
def test_form_post_is_a_form_that_leads_to_the_client(known: CodeFlow) -> None:
    page = known.ask(response_mode="form_post", state='a"<b>&c')
    assert page.status_code == 200
    form = known.person.form(page)
    assert form.action == CALLBACK
    assert set(form.fields) == {"code", "state", "iss"}
    assert form.fields["state"] == ['a"<b>&c']
    assert known.redeem(form.fields["code"][0]).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https:;" in policy
    assert "unsafe" not in policy
    refused = known.ask(response_mode="form_post", prompt="none login")
    assert known.person.form(refused).fields["error"] == ["invalid_request"]


@pytest.mark.requirement(CORE, "3.1.2.1", "redirect_uri is required.")
def test_redirect_uri_may_be_left_out_only_without_openid(flow: CodeFlow) -> None:
    assert flow.ask(redirect_uri=None).status_code == 400
    page = flow.ask(redirect_uri=None, scope="read")
    assert is_sign_in(page)
    page = flow.person.prove(page, EMAIL)
    answer = flow.agree(page)
    assert answer.headers["Location"].startswith(f"{CALLBACK}?code=")
    assert "id_token" not in flow.redeem(answer_of(answer)["code"], redirect_uri=None).json()


def test_login_hint_fills_the_sign_in_page(flow: CodeFlow) -> None:
    assert f'value="{EMAIL}"' in flow.ask(login_hint=EMAIL).content.decode()


def test_pages_speak_the_language_that_the_client_asks_for(flow: CodeFlow) -> None:
    assert flow.ask(ui_locales="de en").headers["Content-Language"] == "de"
    assert flow.ask(ui_locales="fr").headers["Content-Language"] == "en"


def test_consent_that_expired_is_asked_for_again(known: CodeFlow) -> None:
    consent = Consent.objects.get()
    assert set(consent.scopes) == {"openid", "read"}
    consent.expires_at = consent.granted_at
    consent.save()
    assert is_consent(known.ask())
