"""What clients and people see at the end session endpoint.

The cases are those of the OpenID Foundation's conformance plan, and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.openid import RelyingParty, make_party
from tests.oauth_client import OAuthClient
from tests.signed_in import SignedIn, sign_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

DOCUMENT = "OpenID Connect RP-Initiated Logout"
BACK = "https://app.example/signed-out"
BACK_WITH_QUERY = "https://app.example/signed-out?from=here"
QUESTION = "Sign out?"
DONE = "You are signed out"
REFUSED = "You are not signed out"


@pytest.fixture
def party(tenant: Tenant) -> RelyingParty:
    return make_party(tenant, post_logout_redirect_uris=f"{BACK} {BACK_WITH_QUERY}")


@pytest.fixture
def person(party: RelyingParty) -> SignedIn:
    return sign_in(party)


def ask(person: SignedIn, **parameters: str) -> HttpResponse:
    return person.browser.open(f"/oauth/logout?{urlencode(parameters)}")


def hint_of(person: SignedIn, party: RelyingParty | None = None) -> str:
    return str(person.tokens("openid", party=party)["id_token"])


def assert_shows(page: HttpResponse, text: str, status: int = 200) -> None:
    assert page.status_code == status, page.content
    assert f"<h1>{text}</h1>" in page.content.decode()
    assert "Location" not in page.headers


def assert_leads_to(page: HttpResponse, address: str) -> None:
    assert (page.status_code, page.headers["Location"]) == (303, address)


@pytest.mark.requirement(DOCUMENT, "3", "After logout the person is sent on, with the state.")
def test_good_hint_signs_out_and_leads_back_with_the_state(person: SignedIn) -> None:
    page = ask(
        person, id_token_hint=hint_of(person), post_logout_redirect_uri=BACK, state="a b&c=d"
    )
    where = urlsplit(page.headers["Location"])
    assert page.status_code == 303
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    assert parse_qs(where.query) == {"state": ["a b&c=d"]}
    assert not person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "2", "The OP takes requests by GET and by POST.")
def test_post_of_another_site_is_answered_like_a_link(person: SignedIn) -> None:
    fields = {"id_token_hint": hint_of(person), "post_logout_redirect_uri": BACK, "state": "s"}
    seen = person.browser.http.post(
        urlsplit(f"{person.browser.issuer}/oauth/logout").path,
        fields,
        headers={"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert seen.status_code == 303
    assert person.is_signed_in, "a cross-site POST itself changes nothing"
    assert_leads_to(person.browser.follow(seen), f"{BACK}?state=s")
    assert not person.is_signed_in


def test_without_a_state_none_is_sent_back(person: SignedIn) -> None:
    page = ask(person, id_token_hint=hint_of(person), post_logout_redirect_uri=BACK)
    assert_leads_to(page, BACK)


def test_query_of_the_registered_address_stays(person: SignedIn) -> None:
    hint = hint_of(person)
    page = ask(person, id_token_hint=hint, post_logout_redirect_uri=BACK_WITH_QUERY, state="s")
    assert_leads_to(page, f"{BACK_WITH_QUERY}&state=s")


def test_without_an_address_the_person_sees_that_they_are_signed_out(person: SignedIn) -> None:
    assert_shows(ask(person, id_token_hint=hint_of(person)), DONE)
    assert not person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "2", "Without a hint the OP asks the person.")
@pytest.mark.parametrize("parameters", [{}, {"state": "s"}, {"logout_hint": "ada"}], ids=str)
def test_without_a_hint_the_person_is_asked(person: SignedIn, parameters: dict[str, str]) -> None:
    page = ask(person, **parameters)
    assert_shows(page, QUESTION)
    assert person.is_signed_in
    assert_shows(person.browser.submit(page, "logout-form"), DONE)
    assert not person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "3", "Without a known client nobody is sent on.")
def test_address_alone_leads_nowhere(person: SignedIn) -> None:
    page = ask(person, post_logout_redirect_uri=BACK, state="s")
    assert_shows(page, QUESTION)
    assert_shows(person.browser.submit(page), DONE)


@pytest.mark.requirement(DOCUMENT, "2", "client_id names the client where no hint does.")
def test_client_id_is_enough_to_lead_back_after_the_question(person: SignedIn) -> None:
    page = ask(
        person, client_id=person.party.made.client_id, post_logout_redirect_uri=BACK, state="s"
    )
    assert_shows(page, QUESTION)
    assert "form-action 'self' https:;" in page.headers["Content-Security-Policy"]
    assert_leads_to(person.browser.submit(page), f"{BACK}?state=s")
    assert not person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "3", "The address is compared exactly.")
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        f"{BACK}?added=1",
        f"{BACK}/",
        f"{BACK}#part",
        BACK.replace("https", "http"),
        BACK.upper(),
        f"{BACK}%2f..%2f",
        f"{BACK} {BACK_WITH_QUERY}",
        "javascript:alert(1)",
    ],
)
def test_unregistered_address_is_an_error_page(person: SignedIn, address: str) -> None:
    hint = hint_of(person)
    page = ask(person, id_token_hint=hint, post_logout_redirect_uri=address, state="s")
    assert_shows(page, REFUSED, 400)
    assert person.is_signed_in


def unsigned(hint: str) -> str:
    header, payload, _ = hint.split(".")
    none = jwt.encode({}, key="", algorithm="none").split(".")[0]
    assert header != none
    return f"{none}.{payload}."


def with_broken_signature(hint: str) -> str:
    head, _, signature = hint.rpartition(".")
    return f"{head}.{signature[:-8]}{'A' * 8}"


def by_a_shared_secret(hint: str) -> str:
    claims = jwt.decode(hint, options={"verify_signature": False})
    return jwt.encode(claims, "k" * 32, algorithm="HS256")


@pytest.mark.requirement(DOCUMENT, "2", "The OP verifies that it has issued the ID token.")
@pytest.mark.parametrize(
    "modify",
    [unsigned, with_broken_signature, by_a_shared_secret, lambda _hint: "not.a.token"],
    ids=["alg none", "signature", "shared secret", "no token"],
)
def test_hint_that_is_none_of_ours_never_leads_back(person: SignedIn, modify: object) -> None:
    assert callable(modify)
    page = ask(
        person,
        id_token_hint=modify(hint_of(person)),
        client_id=person.party.made.client_id,
        post_logout_redirect_uri=BACK,
        state="s",
    )
    assert_shows(page, QUESTION)
    assert person.is_signed_in
    assert_shows(person.browser.submit(page), DONE)


@pytest.mark.requirement(DOCUMENT, "2", "An expired ID token is accepted as a hint.")
def test_expired_hint_is_good(person: SignedIn) -> None:
    old = person.party.begin(
        "openid",
        authentication=person.authentication,
        now=person.authentication.authenticated_at - 86_400,
    )["id_token"]
    claims = jwt.decode(old, options={"verify_signature": False})
    assert claims["exp"] < person.authentication.authenticated_at
    page = ask(person, id_token_hint=old, post_logout_redirect_uri=BACK)
    assert_leads_to(page, BACK)
    assert not person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "4", "A hint about another session is no reason not to ask.")
def test_hint_of_an_earlier_sign_in_is_asked_about(person: SignedIn) -> None:
    hint = hint_of(person)
    again = sign_in(person.party, person.browser)
    page = ask(again, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert_shows(page, QUESTION)
    assert again.is_signed_in
    assert_leads_to(again.browser.submit(page), BACK)
    assert not again.is_signed_in


def test_hint_about_somebody_else_is_asked_about(tenant: Tenant, person: SignedIn) -> None:
    other = sign_in(make_party(tenant, "other-app", post_logout_redirect_uris=BACK))
    assert_shows(ask(person, id_token_hint=hint_of(other)), QUESTION)
    assert person.is_signed_in
    assert other.is_signed_in


def test_whoever_is_not_signed_in_is_led_back_at_once(person: SignedIn) -> None:
    hint = hint_of(person)
    ask(person, id_token_hint=hint)
    page = ask(person, id_token_hint=hint, post_logout_redirect_uri=BACK, state="s")
    assert_leads_to(page, f"{BACK}?state=s")
    assert_shows(ask(person), DONE)


@pytest.mark.requirement(DOCUMENT, "2", "client_id and the ID token's audience are the same.")
def test_client_id_that_is_not_the_hints_is_an_error_page(tenant: Tenant, person: SignedIn) -> None:
    other = make_party(tenant, "other-app", subject=person.party.subject)
    page = ask(person, id_token_hint=hint_of(person), client_id=other.made.client_id)
    assert_shows(page, REFUSED, 400)
    assert person.is_signed_in


@pytest.mark.requirement(DOCUMENT, "2", "A pairwise client's hint names the person, too.")
def test_pairwise_hint_means_the_person(tenant: Tenant) -> None:
    person = sign_in(make_party(tenant, "pairwise-app", subject_type="pairwise"))
    assert_shows(ask(person, id_token_hint=hint_of(person)), DONE)
    assert not person.is_signed_in


@pytest.mark.parametrize("with_client_id", [False, True], ids=["hint alone", "with client_id"])
def test_disabled_client_leads_nobody_away(person: SignedIn, *, with_client_id: bool) -> None:
    asked = {"id_token_hint": hint_of(person), "post_logout_redirect_uri": BACK}
    client = person.party.made.client
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    if with_client_id:
        asked["client_id"] = person.party.made.client_id
    assert_shows(ask(person, **asked), REFUSED, 400)
    assert person.is_signed_in


def test_tokens_of_the_sign_in_die_at_once_but_offline_ones_live(
    tenant: Tenant, person: SignedIn
) -> None:
    oauth, made = OAuthClient(tenant), person.party.made
    bound = person.tokens("openid")
    offline = person.tokens("openid", "offline_access")
    ask(person, id_token_hint=bound["id_token"])
    tokens = (bound["access_token"], offline["access_token"])
    states = [oauth.introspect(made, text).json() for text in tokens]
    assert [state["active"] for state in states] == [False, True]
    refreshed = oauth.token(
        made, grant_type="refresh_token", refresh_token=offline["refresh_token"]
    )
    assert refreshed.status_code == 200


@pytest.mark.requirement(DOCUMENT, "2", "ui_locales is the language of the pages.")
def test_page_speaks_the_language_that_was_asked_for(person: SignedIn) -> None:
    page = ask(person, ui_locales="fr-CA de")
    assert page.headers["Content-Language"] == "de"
    assert '<html lang="de">' in page.content.decode()
