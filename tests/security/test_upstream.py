"""Attacks on signing in with an outside provider.

Source: RFC 9700 section 4, OpenID Connect Core sections 3.1.3.7 and 16, RFC 9207.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import time_machine

from tenants.models import Subject
from tests.browser_person import Person
from tests.factories.code_flow import CodeFlow, make_flow
from tests.factories.tenants import make_api, make_tenant
from tests.rfc.signers import make_signer
from tests.upstream_provider import CLIENT_ID, ISSUER, SLUG, Provider, offer, serve_provider
from tokens import upstream_flows
from tokens.models import SignIn
from tokens.upstream_sign_in import hash_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
WITH = f"/sign-in/with/{SLUG}"
BACK = f"/sign-in/callback/{SLUG}"


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_provider()


@pytest.fixture
def flow(provider: Provider) -> CodeFlow:
    """A person who is on their way at the provider."""
    made = make_flow()
    offer(made.tenant, provider)
    provider.take(made.person.open(WITH))
    return made


def assert_nobody_came_in(page: HttpResponse, status: int = 403) -> None:
    assert page.status_code == status, page.content.decode()
    assert not SignIn.objects.exists()
    assert Subject.objects.count() == 1, "nobody was made either"


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "no-nonce": {"nonce": None},
    "other-nonce": {"nonce": "x" * 43},
    "nonce-array": {"nonce": ["x"]},
    "nonce-surrogate": {"nonce": "\ud800"},
    "other-issuer": {"iss": "https://evil.example"},
    "longer-issuer": {"iss": f"{ISSUER}/"},
    "other-audience": {"aud": "somebody else"},
    "shared-audience-without-azp": {"aud": [CLIENT_ID, "another"]},
    "azp-of-another": {"azp": "another"},
    "shared-audience-azp-of-another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
    "expired": {"iat": NOW - 9_000, "exp": NOW - 8_000},
    "too-old": {"iat": NOW - 90_000},
    "of-the-future": {"iat": NOW + 9_000, "exp": NOW + 9_900},
    "never-expires": {"exp": None},
    "no-issue-time": {"iat": None},
    "no-subject": {"sub": None},
    "subject-number": {"sub": 7},
    "subject-long": {"sub": "x" * 256},
    "at-hash-of-another": {"at_hash": hash_token("another", "ES256")},
    "at-hash-number": {"at_hash": 1},
    "logout-token": {"typ": "Logout"},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
@pytest.mark.requirement("OIDC Core", "3.1.3.7", "An ID token is refused if any check fails.")
def test_id_token_that_is_wrong_in_one_point_signs_nobody_in(
    flow: CodeFlow, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.extra = claims
    assert_nobody_came_in(provider.send_back(flow.person))


def test_token_for_us_among_others_is_good(flow: CodeFlow, provider: Provider) -> None:
    provider.extra = {
        "aud": [CLIENT_ID, "another"],
        "azp": CLIENT_ID,
        "at_hash": hash_token("at", "ES256"),
    }
    assert provider.send_back(flow.person).status_code == 200


def test_key_of_somebody_else_proves_nothing(flow: CodeFlow, provider: Provider) -> None:
    token = make_signer().sign({"iss": ISSUER, "nonce": provider.asked["nonce"]})
    provider.answer = {"id_token": token, "token_type": "Bearer"}
    assert_nobody_came_in(provider.send_back(flow.person))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b"[]", 403, id="array"),
        pytest.param(b"{", 403, id="broken"),
        pytest.param(b"{}", 403, id="empty"),
        pytest.param(b'{"id_token": 1}', 403, id="number"),
        pytest.param(b'{"id_token": "a.b.c"}', 403, id="no-jwt"),
        pytest.param(b'{"id_token": "a.b.c", "access_token": {}}', 403, id="access-token-object"),
        pytest.param(b'{"id_token": "\\u0000"}', 403, id="NUL"),
        pytest.param(b"x" * 70_000, 503, id="too-large"),
    ],
)
def test_hostile_token_answer_is_a_plain_refusal(
    flow: CodeFlow, provider: Provider, raw: bytes, status: int
) -> None:
    provider.raw = raw
    assert_nobody_came_in(provider.send_back(flow.person), status)


@pytest.mark.requirement("RFC 9700", "4.7", "An answer belongs to the browser that asked.")
def test_answer_in_another_browser_is_refused(flow: CodeFlow, provider: Provider) -> None:
    assert_nobody_came_in(provider.send_back(Person(flow.tenant)), 400)
    other = Person(flow.tenant)
    other.open("/sign-in")
    assert_nobody_came_in(provider.send_back(other), 400)
    assert provider.forms == [], "nobody asked the provider anything"


def test_answer_works_once(flow: CodeFlow, provider: Provider) -> None:
    cookies = flow.person.http.cookies.output()
    assert provider.send_back(flow.person).status_code == 200
    thief = Person(flow.tenant)
    thief.http.cookies.load(cookies.replace("Set-Cookie: ", ""))
    assert provider.send_back(thief).status_code == 400
    assert len(provider.forms) == 1
    assert SignIn.objects.count() == 1


def test_id_token_works_once(flow: CodeFlow, provider: Provider) -> None:
    provider.extra = {"jti": "the-same"}
    assert provider.send_back(flow.person).status_code == 200
    person = Person(flow.tenant)
    provider.take(person.open(WITH))
    assert provider.send_back(person).status_code == 403


@pytest.mark.requirement("RFC 9700", "4.5", "A stolen code is of no use in another flow.")
def test_code_of_another_flow_is_refused(flow: CodeFlow, provider: Provider) -> None:
    thief = Person(flow.tenant)
    page = thief.open(WITH)
    stolen = provider.asked
    provider.take(page)
    state = provider.asked["state"]
    # The provider holds the code for the victim's challenge.
    provider.asked = {**stolen, "state": state}
    page = provider.send_back(thief)
    assert_nobody_came_in(page, 503)


@pytest.mark.requirement("RFC 9207", "2.4", "The issuer of an answer is compared.")
@pytest.mark.parametrize("iss", ["https://evil.example", f"{ISSUER}/", ""])
def test_answer_of_another_issuer_is_refused(flow: CodeFlow, provider: Provider, iss: str) -> None:
    assert_nobody_came_in(provider.send_back(flow.person, iss=iss))
    assert provider.forms == []


def test_issuer_may_be_silent_about_itself(flow: CodeFlow, provider: Provider) -> None:
    assert provider.send_back(flow.person, iss=None).status_code == 200


@pytest.mark.requirement("RFC 9700", "4.4", "An answer for one provider is none of another.")
def test_answer_at_the_address_of_another_provider_is_refused(
    flow: CodeFlow, provider: Provider
) -> None:
    offer(flow.tenant, provider, slug="evil", issuer="https://evil.example")
    state = quote(provider.asked["state"])
    page = flow.person.open(f"/sign-in/callback/evil?code=a-code&state={state}")
    assert_nobody_came_in(page, 400)


def test_state_of_another_tenant_is_refused(flow: CodeFlow, provider: Provider) -> None:
    other = make_tenant("initech")
    make_api(other)
    offer(other, provider)
    person = Person(other)
    person.http.cookies = flow.person.http.cookies
    for cookie in person.http.cookies.values():
        cookie["path"] = "/"
    state = quote(provider.asked["state"])
    assert person.open(f"{BACK}?code=a-code&state={state}").status_code == 400


def test_answer_comes_within_ten_minutes(flow: CodeFlow, provider: Provider) -> None:
    late = datetime.now(UTC) + timedelta(seconds=upstream_flows.LIFETIME_SECONDS + 5)
    with time_machine.travel(late):
        assert_nobody_came_in(provider.send_back(flow.person), 400)


def test_words_of_a_refusal_are_not_shown(flow: CodeFlow, provider: Provider) -> None:
    script = "<script>alert(1)</script>"
    page = provider.send_back(flow.person, code=None, error=script, error_description=script)
    assert_nobody_came_in(page)
    assert "alert(1)" not in page.content.decode()


def test_repeated_parameter_is_refused(flow: CodeFlow, provider: Provider) -> None:
    state = quote(provider.asked["state"])
    assert_nobody_came_in(flow.person.open(f"{BACK}?code=a&code=b&state={state}"), 400)


@pytest.mark.parametrize(
    "state",
    ["", "%00", "%zz", "%ff%fe", "x" * 13_000, "eyJhIjoxfQ:1abcde:" + "x" * 43],
    ids=["empty", "NUL", "no-percent-code", "not-UTF-8", "long", "signed-elsewhere"],
)
def test_hostile_state_is_a_plain_refusal(flow: CodeFlow, state: str) -> None:
    assert_nobody_came_in(flow.person.open(f"{BACK}?code=x&state={state}"), 400)


@pytest.mark.parametrize("code", [None, "", "x" * 5_000], ids=["none", "empty", "long"])
def test_answer_without_a_good_code_is_refused(
    flow: CodeFlow, provider: Provider, code: str | None
) -> None:
    assert_nobody_came_in(provider.send_back(flow.person, code=code))
    assert provider.forms == []


@pytest.mark.parametrize(
    "sealed", ["https://evil.example/", "//evil.example", "x" * 9_000, "%00"], ids=range(4)
)
def test_nobody_is_led_elsewhere_afterwards(flow: CodeFlow, sealed: str) -> None:
    page = flow.person.open(f"{WITH}?request={sealed}")
    assert page.status_code in {400, 414}
    assert "Location" not in page.headers


def test_page_says_nothing_to_the_provider_but_what_it_must(
    flow: CodeFlow, provider: Provider
) -> None:
    page = flow.person.open(WITH)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert provider.asked.keys() == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
