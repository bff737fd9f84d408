"""Logout against people who mean harm: other sites, other tenants, malformed requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tests.signed_in import SignedIn, sign_in
from tokens.front_channel import cookies, form_tokens

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db

BACK = "https://app.example/signed-out"


@pytest.fixture
def party() -> RelyingParty:
    return make_party(make_tenant(), post_logout_redirect_uris=BACK)


@pytest.fixture
def person(party: RelyingParty) -> SignedIn:
    return sign_in(party)


def path_of(person: SignedIn) -> str:
    return urlsplit(f"{person.browser.issuer}/oauth/logout").path


def hint_of(person: SignedIn) -> str:
    return str(person.tokens("openid")["id_token"])


HOSTILE = {
    "NUL": "client_id=a%00b",
    "half a percent": "client_id=%zz&state=%",
    "no UTF-8": "client_id=%ff%fe",
    "surrogate": "state=%ed%a0%80",
    "repeated client": "client_id=web-app&client_id=other",
    "repeated hint": "id_token_hint=a&id_token_hint=b",
    "unknown client": "client_id=nobody",
    "array": "client_id[]=a&id_token_hint[0]=b",
    "many": "&".join(f"p{number}=1" for number in range(200)),
    "long client": f"client_id={'a' * 10_000}",
    "long hint": f"id_token_hint={'a' * 10_000}",
    "too long": f"id_token_hint={'a' * 60_000}",
    "token of nothing": "id_token_hint=..",
    "deep token": f"id_token_hint={quote('eyJhbGciOiJSUzI1NiJ9.' + 'W' * 8_000 + '.AAAA')}",
    "newline in the state": urlencode(
        {"client_id": "web-app", "post_logout_redirect_uri": BACK, "state": "\r\nX: y"}
    ),
    "markup": "logout_hint=%3Cscript%3E&client_id=%3Cscript%3E&ui_locales=%3Cb%3E",
    "semicolons": ";;;=;&&&==",
}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in HOSTILE.items()])
def test_malformed_request_changes_nothing_and_is_never_a_500(
    person: SignedIn, query: str, method: str
) -> None:
    http, path = person.browser.http, path_of(person)
    if method == "get":
        page = http.generic("GET", path, QUERY_STRING=query)
    else:
        form = "application/x-www-form-urlencoded"
        page = person.browser.follow(http.generic("POST", path, query, content_type=form))
    assert page.status_code in {200, 303, 400, 414}, page.content
    assert "<script>" not in page.content.decode()
    assert "evil" not in page.headers.get("Location", "")
    assert person.is_signed_in


@pytest.mark.parametrize("kind", ["json", "multipart", "nothing", "megabyte"])
def test_other_bodies_change_nothing(person: SignedIn, kind: str) -> None:
    content, text = {
        "json": ("application/json", '{"id_token_hint": []}'),
        "multipart": ("multipart/form-data; boundary=x", "--x--\r\n"),
        "nothing": ("", ""),
        "megabyte": ("application/x-www-form-urlencoded", f"state={'a' * 1_000_000}"),
    }[kind]
    page = person.browser.http.generic("POST", path_of(person), text, content_type=content)
    assert page.status_code in {303, 400, 413}, page.content
    assert person.is_signed_in


def test_other_site_can_not_answer_the_question(person: SignedIn) -> None:
    page = person.browser.open("/oauth/logout")
    token = person.browser.form(page).fields["form_token"][0]
    forged = [
        ({"form_token": "0" * 64}, {}),
        ({"form_token": ""}, {}),
        ({"form_token": form_tokens.make_token("another browser")}, {}),
        ({"form_token": token}, {"Origin": "https://evil.example"}),
        ({"form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for fields, headers in forged:
        answer = person.browser.http.post(path_of(person), fields, headers=headers)
        assert answer.status_code == 403
        assert person.is_signed_in


def test_link_without_a_hint_never_signs_out(person: SignedIn) -> None:
    for method in ("get", "head"):
        getattr(person.browser.http, method)(path_of(person), {"client_id": "web-app"})
        assert person.is_signed_in


def test_hint_of_another_tenant_is_none(person: SignedIn) -> None:
    foreign = make_party(make_tenant("initech"), post_logout_redirect_uris=BACK)
    hint = hint_of(sign_in(foreign))
    page = person.browser.open(
        f"/oauth/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BACK})}"
    )
    assert page.status_code == 200
    assert "Sign out?" in page.content.decode()
    assert person.is_signed_in


def test_access_token_is_no_hint(person: SignedIn) -> None:
    tokens = person.tokens("openid")
    page = person.browser.open(f"/oauth/logout?id_token_hint={tokens['access_token']}")
    assert "Sign out?" in page.content.decode()
    assert person.is_signed_in


def test_cookie_goes_and_the_old_one_is_worth_nothing(person: SignedIn) -> None:
    old = person.browser.http.cookies[cookies.SIGN_IN].value
    page = person.browser.open(f"/oauth/logout?id_token_hint={hint_of(person)}")
    cookie = page.cookies[cookies.SIGN_IN]
    assert (cookie.value, cookie["max-age"]) == ("", 0)
    assert cookie["path"] == f"/t/{person.party.tenant.path}"
    person.browser.http.cookies[cookies.SIGN_IN] = old
    assert "You are signed out" in person.browser.open("/oauth/logout").content.decode()


def assert_hardened(page: HttpResponse) -> None:
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_pages_can_not_be_framed_or_kept_and_leak_no_address(person: SignedIn) -> None:
    question = person.browser.open("/oauth/logout")
    assert_hardened(question)
    assert_hardened(person.browser.submit(question))


def test_nothing_of_the_request_is_shown(person: SignedIn) -> None:
    mark = "0a6d0e7f"
    query = urlencode({"state": mark, "logout_hint": mark, "post_logout_redirect_uri": mark})
    assert mark not in person.browser.open(f"/oauth/logout?{query}").content.decode()
