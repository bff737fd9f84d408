"""Opaque tokens of outside issuers, which are asked about: RFC 7662 as a client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Subject
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.rfc.introspecting_issuer import PREFIX
from tests.rfc.rfc7523_jwt_bearer.partner import (
    PARTNER,
    assert_refused,
    scope_of,
    sign,
    swap,
    trust,
    trust_opaque,
)
from tests.rfc.rfc8693_token_exchange.exchange import ACCESS_TOKEN, EXCHANGE, JWT
from tests.rfc.verification import issuer_of, verify
from tokens import foreign_introspection

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient
    from tests.rfc.introspecting_issuer import Issuer

pytestmark = pytest.mark.usefixtures("app")
TOKEN = f"{PREFIX}one"


@pytest.fixture(autouse=True)
def _nobody_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_introspection, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def server(api: Api) -> MadeClient:
    return make_client(api.tenant, "server", scopes=["read", "write"], grant_types=[EXCHANGE])


def exchange(
    oauth: OAuthClient,
    server: MadeClient,
    token: str,
    token_type: str = ACCESS_TOKEN,
    **more: Any,  # noqa: ANN401 - as sent.
) -> HttpResponse:
    asked = {"subject_token": token, "subject_token_type": token_type, **more}
    return oauth.token(server, grant_type=EXCHANGE, **asked)


@pytest.mark.requirement("RFC 7662", "2.1", "The protected resource asks with its credentials.")
def test_an_active_token_is_swapped(oauth: OAuthClient, tenant: Tenant, issuer: Issuer) -> None:
    trust_opaque(tenant, issuer)
    issuer.put(TOKEN, aud=issuer_of(tenant), scope="read write")
    response = swap(oauth, TOKEN)
    assert scope_of(response) == "read"
    claims = verify(oauth, response.json()["access_token"])
    assert claims["sub"] == str(Subject.objects.get().pk)
    assert issuer.asked == [TOKEN]


@pytest.mark.requirement("RFC 8693", "3", "An access token of another issuer can be exchanged.")
def test_an_active_token_is_exchanged(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, server: MadeClient
) -> None:
    trust_opaque(tenant, issuer)
    exp = int(time.time()) + 90
    issuer.put(TOKEN, aud=issuer_of(tenant), exp=exp)
    answer = exchange(oauth, server, TOKEN).json()
    claims = verify(oauth, answer["access_token"])
    assert claims["sub"] == str(Subject.objects.get().pk)
    assert claims["exp"] <= exp


def test_an_active_token_may_act(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, server: MadeClient
) -> None:
    trust_opaque(tenant, issuer)

    def make(name: str, sub: str) -> str:
        return issuer.put(f"{PREFIX}{name}", aud=issuer_of(tenant), sub=sub)

    acting = {"actor_token_type": ACCESS_TOKEN}
    unknown = exchange(oauth, server, make("a1", "alice"), actor_token=make("b1", "bob"), **acting)
    assert_refused(unknown, "not known", "invalid_request")
    assert scope_of(exchange(oauth, server, make("b2", "bob"))) == "read"
    answer = exchange(oauth, server, make("a2", "alice"), actor_token=make("b3", "bob"), **acting)
    claims = verify(oauth, answer.json()["access_token"])
    assert claims["act"]["sub"] != claims["sub"]


@pytest.mark.requirement("RFC 7523", "3", "An assertion that was used is refused.")
def test_a_token_works_once(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, server: MadeClient
) -> None:
    trust_opaque(tenant, issuer)
    issuer.put(TOKEN, aud=issuer_of(tenant))
    assert swap(oauth, TOKEN).status_code == 200
    assert_refused(swap(oauth, TOKEN), "used before")
    assert_refused(exchange(oauth, server, TOKEN), "used before", "invalid_request")
    assert issuer.asked == [TOKEN]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "inactive": ({"active": False}, "inactive"),
    "active as a text": ({"active": "true"}, "invalid introspection"),
    "another issuer": ({"iss": "https://evil.example"}, "wrong issuer"),
    "issuer as a list": ({"iss": [PARTNER]}, "invalid claim"),
    "another audience": ({"aud": "https://other.example"}, "wrong audience"),
    "no audience": ({"aud": None}, "missing claim"),
    "no exp": ({"exp": None}, "missing claim"),
    "no iat": ({"iat": None}, "no issue time"),
    "too old": ({"iat": 1_000_000_000}, "too old"),
    "expired": ({"iat": 1_000_000_000, "exp": 1_000_000_100}, "expired"),
    "no subject": ({"sub": None}, "invalid subject"),
    "a subject with a line break": ({"sub": "a\nb"}, "invalid subject"),
    "scope is a number": ({"scope": 5}, "invalid scope"),
    "another client": ({"client_id": "theirs"}, "required claims differ"),
    "without a client": ({"client_id": None}, "required claims absent"),
}


@pytest.mark.requirement("RFC 7662", "4", "What the answer says is checked before it is used.")
@pytest.mark.parametrize(("claims", "text"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_opens_nothing(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, claims: dict[str, Any], text: str
) -> None:
    trust_opaque(tenant, issuer, required_claims={"client_id": "ours"})
    stated = {"aud": issuer_of(tenant), "client_id": "ours", **claims}
    issuer.put(TOKEN, **stated)
    assert_refused(swap(oauth, TOKEN), text)
    assert not Subject.objects.exists()


def test_an_issuer_that_is_stated_and_right_is_fine(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer
) -> None:
    trust_opaque(tenant, issuer)
    issuer.put(TOKEN, aud=[issuer_of(tenant), "https://more.example"], iss=PARTNER)
    assert scope_of(swap(oauth, TOKEN)) == "read"


BROKEN: dict[str, dict[str, Any]] = {
    "huge": {"raw": b'{"active":true,"x":"' + b"x" * 20_000 + b'"}'},
    "redirect": {"status": 302, "headers": {"Location": "https://elsewhere.example"}},
    "server error": {"status": 500},
    "HTML": {"headers": {"Content-Type": "text/html"}},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_issuer_is_nobody_s_token(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, broken: dict[str, Any]
) -> None:
    trust_opaque(tenant, issuer)
    issuer.put(TOKEN, aud=issuer_of(tenant))
    for name, value in broken.items():
        setattr(issuer, name, value)
    assert_refused(swap(oauth, TOKEN), "introspection unavailable")


def test_only_tokens_with_the_prefix_are_sent_anywhere(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer, server: MadeClient
) -> None:
    trust_opaque(tenant, issuer)
    trust(tenant, slug="signing", audience="https://us.example")
    service = make_client(tenant, "service", scopes=["read"])
    ours = oauth.token(service).json()["access_token"]
    for text in ("garbage", PREFIX.upper() + "one", f" {TOKEN}", sign(tenant), ours):
        swap(oauth, text)
        for token_type in (ACCESS_TOKEN, JWT):
            exchange(oauth, server, text, token_type)
            exchange(oauth, server, ours, actor_token=text, actor_token_type=token_type)
        oauth.introspect(service, text)
        oauth.revoke(service, text)
    assert issuer.asked == []


def test_a_signed_token_does_not_pass_for_one_that_was_asked_about(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer
) -> None:
    trust_opaque(tenant, issuer)
    assert_refused(swap(oauth, sign(tenant)), "none that this tenant trusts")
    assert issuer.asked == []


def test_each_prefix_has_its_own_profile(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer
) -> None:
    trust_opaque(tenant, issuer)
    second = {"slug": "q", "issuer": "https://q.example", "token_prefix": "qt-"}
    trust_opaque(tenant, issuer, **second)
    issuer.put(TOKEN, aud=issuer_of(tenant), iss="https://q.example")
    assert_refused(swap(oauth, TOKEN), "wrong issuer")
    issuer.put("qt-one", aud=issuer_of(tenant), iss="https://q.example")
    assert scope_of(swap(oauth, "qt-one")) == "read"


def test_a_disabled_profile_or_that_of_another_tenant_asks_nobody(
    oauth: OAuthClient, tenant: Tenant, issuer: Issuer
) -> None:
    other = make_tenant("initech")
    make_api(other)
    trust_opaque(other, issuer)
    trust_opaque(tenant, issuer, is_enabled=False)
    issuer.put(TOKEN, aud=issuer_of(tenant))
    assert_refused(swap(oauth, TOKEN))
    assert issuer.asked == []
