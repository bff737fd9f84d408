"""What the OpenID Foundation's conformance modules ask of a code flow, as their client asks it.

That client is confidential and sends a nonce, but no PKCE (`is_pkce_exempt`). A test bears the name
of its module. Source: the modules of the basic and form post plans for OpenID Providers.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tenants.records import SYSTEM
from tenants.services.clients import save_client
from tests.factories.code_flow import (
    CALLBACK,
    VERIFIER,
    answer_of,
    challenge_of,
    make_flow,
    make_web_client,
)
from tests.factories.openid import OPENID
from tests.rfc.openid_connect_core.conformance_suite import Suite
from tests.rfc.verification import issuer_of
from tokens import keys
from tokens.models import SignIn

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db
PKCE = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
ATTRIBUTES = {
    "address": {"locality": "Lisboa", "country": "PT"},
    "phone_number": "+351 21 000 0000",
    "phone_number_verified": True,
}


@pytest.fixture
def suite() -> Suite:
    flow = make_flow(
        subject={"attributes": ATTRIBUTES},
        is_pkce_exempt=True,
        scopes=[*OPENID, "offline_access"],
        refresh_token_enabled=True,
    )
    return Suite(flow.tenant, flow.client)


ESSENTIAL = json.dumps({"userinfo": {"name": {"essential": True}}})
SUCCEEDING: dict[str, dict[str, Any]] = {
    "oidcc-server": {},
    "oidcc-claims-essential": {"claims": ESSENTIAL},
    "oidcc-claims-locales": {"claims_locales": "se"},
    "oidcc-display-page": {"display": "page"},
    "oidcc-display-popup": {"display": "popup"},
    "oidcc-ensure-other-scope-order-succeeds": {"scope": "email openid"},
    "oidcc-ensure-request-with-acr-values-succeeds": {"acr_values": "1 2"},
    "oidcc-ensure-request-with-unknown-parameter-succeeds": {"extra": "foobar"},
    "oidcc-ensure-request-with-valid-pkce-succeeds": PKCE,
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": PKCE | {"nonce": None},
    "oidcc-login-hint": {"login_hint": "buffy@issuer.example"},
    "oidcc-ui-locales": {"ui_locales": "se"},
}


@pytest.mark.parametrize("mode", [None, "form_post"], ids=["basic", "form post"])
@pytest.mark.parametrize("parameters", SUCCEEDING.values(), ids=SUCCEEDING)
def test_request_succeeds(suite: Suite, parameters: dict[str, Any], mode: str | None) -> None:
    nonce = {"nonce": "n-1"} | parameters
    told = suite.walk(response_mode=mode, **nonce)
    assert (told["state"], told["iss"]) == ("a-state", issuer_of(suite.tenant))
    tokens = suite.swap(told["code"], VERIFIER if "code_challenge" in parameters else None)
    claims = suite.verified(tokens)
    assert claims.get("nonce") == nonce["nonce"]
    told_by_userinfo = suite.userinfo(tokens).json()
    assert told_by_userinfo["sub"] == claims["sub"]
    assert ("name" in told_by_userinfo) is ("claims" in parameters)


UNSIGNED = "eyJhbGciOiJub25lIn0.eyJzY29wZSI6Im9wZW5pZCJ9."
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "oidcc-prompt-none-not-logged-in": ({"prompt": "none"}, "login_required"),
    # With PKCE it succeeds, see above; without either, nothing would notice an injected code.
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow, without PKCE": (
        {"nonce": None},
        "invalid_request",
    ),
    "oidcc-response-type-missing": ({"response_type": None}, "invalid_request"),
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": (
        {"request": UNSIGNED},
        "request_not_supported",
    ),
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": (
        {"request_uri": "https://app.example/request.jwt"},
        "request_uri_not_supported",
    ),
}


@pytest.mark.parametrize("mode", [None, "form_post"], ids=["basic", "form post"])
@pytest.mark.parametrize(("parameters", "error"), REFUSED.values(), ids=REFUSED)
def test_client_is_told_why_not(
    suite: Suite, parameters: dict[str, Any], error: str, mode: str | None
) -> None:
    told = suite.walk(response_mode=mode, **parameters)
    assert (told["error"], told["state"]) == (error, "a-state")


UNPROVEN: dict[str, dict[str, Any]] = {
    "oidcc-ensure-registered-redirect-uri": {"redirect_uri": f"{CALLBACK}/other"},
    "oidcc-ensure-request-object-with-redirect-uri": {"redirect_uri": None, "request": UNSIGNED},
    "oidcc-redirect-uri-query-added": {"redirect_uri": f"{CALLBACK}?foo=bar"},
    "oidcc-ensure-redirect-uri-in-authorization-request": {"redirect_uri": None},
}


@pytest.mark.parametrize("parameters", UNPROVEN.values(), ids=UNPROVEN)
def test_person_sees_an_error_and_stays(suite: Suite, parameters: dict[str, Any]) -> None:
    page = suite.ask(**parameters)
    assert page.status_code == 400
    assert b"<h1" in page.content


SCOPES = {
    "oidcc-scope-profile": ("openid profile", {"name", "updated_at"}),
    "oidcc-scope-email": ("openid email", {"email", "email_verified"}),
    "oidcc-scope-address": ("openid address", {"address"}),
    "oidcc-scope-phone": ("openid phone", {"phone_number", "phone_number_verified"}),
    "oidcc-scope-all": (
        " ".join(OPENID),
        {"name", "updated_at", "email", "email_verified", *ATTRIBUTES},
    ),
}


@pytest.mark.parametrize(("scope", "expected"), SCOPES.values(), ids=SCOPES)
def test_scope_brings_its_claims(suite: Suite, scope: str, expected: set[str]) -> None:
    tokens, _ = suite.begin(scope=scope)
    assert set(suite.userinfo(tokens).json()) == {"sub", *expected}


def age_sign_in() -> None:
    """Let the person have signed in longer ago."""
    sign_in = SignIn.objects.get()
    sign_in.authenticated_at -= timedelta(seconds=100)
    sign_in.save()


def oidcc_idtoken_signature(suite: Suite) -> None:
    _, claims = suite.begin(nonce="n-2")
    assert (claims["iss"], claims["nonce"]) == (issuer_of(suite.tenant), "n-2")


def oidcc_userinfo_get(suite: Suite) -> None:
    tokens, claims = suite.begin()
    assert suite.userinfo(tokens).json() == {"sub": claims["sub"]}


def oidcc_userinfo_post_header(suite: Suite) -> None:
    tokens, claims = suite.begin()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    said = suite.oauth.post_raw("/oauth/userinfo", "", **bearer)
    assert said.json() == {"sub": claims["sub"]}


def oidcc_userinfo_post_body(suite: Suite) -> None:
    tokens, claims = suite.begin()
    said = suite.oauth.post("/oauth/userinfo", access_token=tokens["access_token"])
    assert said.json() == {"sub": claims["sub"]}


def oidcc_prompt_login(suite: Suite) -> None:
    _, before = suite.begin()
    age_sign_in()
    page = suite.ask(prompt="login")
    assert b'id="password-form"' in page.content
    after = suite.verified(suite.swap(suite.finish(page)["code"]))
    assert after["auth_time"] > before["auth_time"] - 100
    assert after["sub"] == before["sub"]


def oidcc_prompt_none_logged_in(suite: Suite) -> None:
    _, before = suite.begin()
    told = answer_of(suite.ask(prompt="none"))
    after = suite.verified(suite.swap(told["code"]))
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])


def oidcc_max_age_1(suite: Suite) -> None:
    suite.begin()
    age_sign_in()
    page = suite.ask(max_age=1)
    assert b'id="password-form"' in page.content
    after = suite.verified(suite.swap(suite.finish(page)["code"]))
    assert after["auth_time"] >= after["iat"] - 30


def oidcc_max_age_10000(suite: Suite) -> None:
    _, before = suite.begin(max_age=10000)
    told = answer_of(suite.ask(max_age=10000))
    after = suite.verified(suite.swap(told["code"]))
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])


def oidcc_id_token_hint(suite: Suite) -> None:
    tokens, before = suite.begin()
    told = answer_of(suite.ask(prompt="none", id_token_hint=tokens["id_token"]))
    assert suite.verified(suite.swap(told["code"]))["sub"] == before["sub"]


def oidcc_codereuse(suite: Suite) -> None:
    code = suite.walk()["code"]
    tokens = suite.swap(code)
    again = suite.redeem(code, code_verifier=None)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert suite.userinfo(tokens).status_code == 401


def oidcc_ensure_post_request_succeeds(suite: Suite) -> None:
    path, _, query = suite.address().removeprefix(suite.person.issuer).partition("?")
    page = suite.oauth.post_raw(path, query, Origin="https://app.example")
    suite.person.address = suite.person.issuer + path
    assert "code" in suite.finish(suite.person.follow(page))


def oidcc_server_client_secret_post(suite: Suite) -> None:
    suite.client.client.token_endpoint_auth_method = "client_secret_post"
    save_client(suite.client.client, actor=SYSTEM)
    said = suite.oauth.post(
        "/oauth/token",
        grant_type="authorization_code",
        code=suite.walk()["code"],
        redirect_uri=CALLBACK,
        client_id=suite.client.client_id,
        client_secret=suite.client.secret,
    )
    assert suite.verified(said.json())["aud"] == suite.client.client_id


def oidcc_refresh_token(suite: Suite) -> None:
    tokens, before = suite.begin(scope="openid offline_access", prompt="consent")
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    stranger = make_web_client(suite.tenant, "second", scopes=["openid", "offline_access"])
    assert suite.oauth.token(stranger, **asked).json()["error"] == "invalid_grant"
    renewed = suite.oauth.token(suite.client, **asked).json()
    after = suite.verified(renewed)
    same = ("iss", "sub", "aud", "auth_time")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert suite.userinfo(renewed).json()["sub"] == before["sub"]


def oidcc_server_rotate_keys(suite: Suite) -> None:
    before, claims = suite.begin()
    published = suite.oauth.get("/jwks").json()["keys"]
    keys.rotate(suite.tenant.pk, "RS256", None)
    after, _ = suite.begin()
    kids = {jwt.get_unverified_header(tokens["id_token"])["kid"] for tokens in (before, after)}
    assert len(kids) == 2
    assert suite.verified(before) == claims
    assert published != suite.oauth.get("/jwks").json()["keys"]


MODULES: tuple[Callable[[Suite], None], ...] = (
    oidcc_codereuse,
    oidcc_ensure_post_request_succeeds,
    oidcc_id_token_hint,
    oidcc_idtoken_signature,
    oidcc_max_age_1,
    oidcc_max_age_10000,
    oidcc_prompt_login,
    oidcc_prompt_none_logged_in,
    oidcc_refresh_token,
    oidcc_server_client_secret_post,
    oidcc_server_rotate_keys,
    oidcc_userinfo_get,
    oidcc_userinfo_post_body,
    oidcc_userinfo_post_header,
)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.replace("_", "-"))
def test_module(suite: Suite, module: Callable[[Suite], None]) -> None:
    module(suite)
