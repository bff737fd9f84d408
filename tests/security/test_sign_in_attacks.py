"""Attacks on the pages where people sign in. Source: RFC 9700 section 4, OWASP ASVS 5 V6, V7."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.conf import settings as current_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import credentials, snapshot
from tests.browser_person import PASSWORD, Person, delivered_mail
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens.front_channel import continuations, cookies
from tokens.front_channel.continuations import Continuation
from tokens.models import EmailLink, SignIn

if TYPE_CHECKING:
    from pytest_django import Settings

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
EMAIL = "ana@example.org"
WRONG = "wrong horse battery staple"
PATHS = (
    "/sign-in",
    "/sign-in/email",
    "/sign-in/link",
    "/sign-up",
    "/sign-up/new",
    "/password/forgotten",
    "/password/new",
    "/branding/style.css",
    "/branding/logo",
    "/branding/clients/00000000-0000-0000-0000-000000000000/logo",
)
HOSTILE = {
    "NUL": "%00",
    "no percent code": "%zz",
    "not UTF-8": "%ff%fe",
    "surrogate": "%ed%a0%80",
    "an address": quote("https://evil.example/", safe=""),
    "script": quote("<script>alert(1)</script>", safe=""),
    "signed elsewhere": "eyJhIjoxfQ:1abcde:" + "x" * 43,
    "a link": "ael_" + "A" * 64,
    "long": "x" * 9_000,
    "empty": "",
}


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with Ana, where anybody may sign up."""
    made = make_tenant(allow_sign_up=True)
    make_subject_with_password(made, EMAIL)
    return made


def is_signed_in(person: Person) -> bool:
    return "You are signed in as" in person.open("/sign-in").content.decode()


def try_password(person: Person, password: str = WRONG, who: str = EMAIL) -> int:
    return person.submit(
        person.open("/sign-in"), "password-form", follows=False, identifier=who, password=password
    ).status_code


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", ["request", "link", "ui_locales"])
def test_no_query_breaks_a_page(tenant: Tenant, text: str, name: str) -> None:
    person = Person(tenant)
    for path in PATHS:
        page = person.open(f"{path}?{name}={text}&{name}={text}", follows=False)
        assert page.status_code < 500, path
        assert "Location" not in page.headers, path
        assert b"<script>" not in page.content, path


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_form_breaks_a_page(tenant: Tenant, text: str) -> None:
    person = Person(tenant)
    token = person.form(person.open("/sign-in"), "password-form").fields["form_token"][0]
    names = ("identifier", "password", "email", "name", "new_password")
    body = "&".join(f"{name}={text}" for name in names) + f"&form_token={token}"
    for path in PATHS:
        page = person.http.post(
            f"/t/{tenant.path}{path}", body, content_type="application/x-www-form-urlencoded"
        )
        assert page.status_code < 500, path
    assert not is_signed_in(person)


def test_a_huge_form_is_refused_unread(tenant: Tenant) -> None:
    person = Person(tenant)
    page = person.submit(
        person.open("/sign-in"), "password-form", identifier=EMAIL, password="x" * 70_000
    )
    assert page.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"HTTP_ORIGIN": "https://evil.example"}, id="origin"),
        pytest.param({"HTTP_SEC_FETCH_SITE": "cross-site"}, id="cross-site"),
        pytest.param({"HTTP_SEC_FETCH_SITE": "same-site"}, id="another host of the site"),
    ],
)
def test_another_site_signs_nobody_in(tenant: Tenant, headers: dict[str, str]) -> None:
    person = Person(tenant)
    page = person.open("/sign-in")
    person.http.defaults.update(headers)
    refused = person.submit(page, "password-form", identifier=EMAIL, password=PASSWORD)
    assert refused.status_code == 403
    assert not SignIn.objects.exists()


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"], ids=["none", "empty", "other", "odd"])
def test_a_form_without_this_browsers_token_signs_nobody_in(
    tenant: Tenant, token: str | None
) -> None:
    person = Person(tenant)
    page = person.submit(
        person.open("/sign-in"),
        "password-form",
        identifier=EMAIL,
        password=PASSWORD,
        form_token=token,
    )
    assert page.status_code == 403
    assert not SignIn.objects.exists()


def test_the_token_of_another_browser_signs_nobody_in(tenant: Tenant) -> None:
    attacker, person = Person(tenant), Person(tenant)
    token = attacker.form(attacker.open("/sign-in"), "password-form").fields["form_token"]
    page = person.submit(
        person.open("/sign-in"),
        "password-form",
        identifier=EMAIL,
        password=PASSWORD,
        form_token=token,
    )
    assert page.status_code == 403
    assert not SignIn.objects.exists()


def test_what_was_planted_in_a_browser_is_worth_nothing_afterwards(tenant: Tenant) -> None:
    attacker, person = Person(tenant), Person(tenant)
    make_subject_with_password(tenant, "eve@example.org")
    attacker.sign_in("eve@example.org")
    planted = {name: attacker.http.cookies[name].value for name in attacker.http.cookies}
    for name, value in planted.items():
        person.http.cookies[name] = value
    person.sign_in(EMAIL)
    assert not set(planted.values()) & {morsel.value for morsel in person.http.cookies.values()}
    assert not is_signed_in(attacker)
    assert is_signed_in(person)


def test_the_cookies_are_of_this_tenant_and_out_of_reach_of_scripts(
    tenant: Tenant, settings: Settings
) -> None:
    settings.TENANTS_BASE_URL = "https://id.example"
    person = Person(tenant)
    page = person.http.get(f"/t/{tenant.path}/sign-in", secure=True)
    cookie = page.cookies[f"__Secure-{cookies.BROWSER}"]
    assert cookie["path"] == f"/t/{tenant.path}"
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""


def test_a_sign_in_of_one_tenant_is_nothing_at_another(tenant: Tenant) -> None:
    person, elsewhere = Person(tenant), Person(make_tenant("initech"))
    person.sign_in(EMAIL)
    for name, morsel in person.http.cookies.items():
        elsewhere.http.cookies[name] = morsel.value
    assert is_signed_in(person)
    assert not is_signed_in(elsewhere)


@pytest.mark.parametrize("who", [EMAIL, "nobody@example.org"], ids=["somebody", "nobody"])
def test_guesses_are_delayed_alike_whether_or_not_there_is_an_account(
    tenant: Tenant, who: str
) -> None:
    person = Person(tenant)
    answers = [try_password(person, who=who) for _ in range(6)]
    assert answers == [403] * 5 + [429]


def test_while_delayed_the_right_password_tells_nothing(tenant: Tenant) -> None:
    person = Person(tenant)
    for _ in range(5):
        try_password(person)
    page = person.submit(
        person.open("/sign-in"), "password-form", identifier=EMAIL, password=PASSWORD
    )
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) >= 1
    assert not SignIn.objects.exists()


def test_a_guesser_locks_nobody_out_elsewhere(tenant: Tenant) -> None:
    guesser = Person(tenant, REMOTE_ADDR="203.0.113.66")
    for _ in range(6):
        try_password(guesser)
    assert try_password(Person(tenant), PASSWORD) == 303


def test_success_forgets_the_failures_before(tenant: Tenant) -> None:
    person = Person(tenant)
    for _ in range(3):
        try_password(person)
        try_password(person)
        assert try_password(person, PASSWORD) == 303


def test_a_busy_process_says_so_and_counts_no_failure(tenant: Tenant) -> None:
    person = Person(tenant)
    with credentials._Argon2Slot():  # noqa: SLF001 - what another thread would hold.
        assert {try_password(person) for _ in range(6)} == {503}
    assert try_password(person, PASSWORD) == 303


def test_somebody_and_nobody_cost_the_same_statements(tenant: Tenant) -> None:
    counts = []
    for who in (EMAIL, "nobody@example.org"):
        person = Person(tenant)
        page = person.open("/sign-in")
        with CaptureQueriesContext(connection) as captured:
            person.submit(page, "password-form", identifier=who, password=WRONG)
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", ["/sign-in/email", "/password/forgotten", "/sign-up"])
def test_a_page_that_orders_mail_asks_nothing_about_the_account(tenant: Tenant, path: str) -> None:
    person = Person(tenant)
    page = person.open(path)
    with CaptureQueriesContext(connection) as captured:
        person.submit(page, email=EMAIL)
    asked = [query["sql"] for query in captured if "tenants_subject" in query["sql"]]
    assert all("tokens_signin" in sql for sql in asked)


def continuation(tenant: Tenant, path: str = "account") -> str:
    snapshot.CURRENT.renew()
    core = snapshot.CURRENT.tenant(tenant.path)
    assert core is not None
    return continuations.seal(core, Continuation(path, "", int(time.time())))


def test_a_continuation_of_another_tenant_is_refused(tenant: Tenant) -> None:
    foreign = continuation(make_tenant("initech"))
    assert Person(tenant).open(f"/sign-in?request={foreign}").status_code == 400


def test_people_go_on_below_their_issuer_only(tenant: Tenant) -> None:
    person = Person(tenant)
    sealed = continuation(tenant, "device")
    page = person.submit(
        person.open(f"/sign-in?request={sealed}"),
        "password-form",
        follows=False,
        identifier=EMAIL,
        password=PASSWORD,
    )
    assert page.headers["Location"] == f"{person.issuer}/device"


def test_passwords_and_links_stand_in_no_log(
    tenant: Tenant, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.AUTHPLATFORM_ACCESS_LOG = True
    caplog.set_level(logging.DEBUG)
    person = Person(tenant)
    with delivered_mail() as mails:
        try_password(person, "a secret that nobody may read")
        person.submit(person.open("/sign-in/email"), email=EMAIL)
        secret = str(mails[0].body).split("link=")[1].split()[0]
        person.open(f"/sign-in/link?link={secret}")
    assert "a secret that nobody may read" not in caplog.text
    assert secret not in caplog.text


def test_a_link_is_kept_as_a_hash_only(tenant: Tenant) -> None:
    person = Person(tenant)
    with delivered_mail() as mails:
        person.submit(person.open("/sign-in/email"), email=EMAIL)
    secret = str(mails[0].body).split("link=")[1].split()[0]
    row = EmailLink.objects.values().get()
    assert secret not in str(row)
    assert current_settings.SECRET_KEY not in str(row)
