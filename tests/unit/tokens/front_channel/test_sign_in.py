"""People sign in with a password, and go on to where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.credentials import CredentialKind, parse_credential
from tenants.records import SYSTEM
from tenants.services import changes, subject_credentials
from tests.browser_person import PASSWORD, Person
from tests.factories.people import make_subject, make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens.front_channel import cookies
from tokens.models import SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
EMAIL = "ana@example.org"
FAILED = 'id="problem"'


@pytest.fixture
def tenant() -> Tenant:
    """A tenant in which Ana signs in with a password."""
    made = make_tenant()
    make_subject_with_password(made, EMAIL, external_id="ana-1")
    return made


def sign_in_of(person: Person) -> SignIn:
    cookie = parse_credential(CredentialKind.SIGN_IN, person.http.cookies[cookies.SIGN_IN].value)
    assert cookie is not None
    return SignIn.objects.get(pk=cookie.row_id)


@pytest.mark.parametrize(
    "typed", ["ana@example.org", "Ana@Example.ORG", " ana@example.org ", "ana-1"]
)
def test_a_person_signs_in_by_address_or_name(tenant: Tenant, typed: str) -> None:
    person = Person(tenant)
    page = person.submit(
        person.open("/sign-in"), "password-form", follows=False, identifier=typed, password=PASSWORD
    )
    assert page.status_code == 303
    assert page.headers["Location"] == f"{person.issuer}/account"
    row = sign_in_of(person)
    assert (row.acr, row.amr) == ("urn:authplatform:acr:one-factor", ["pwd"])


def assert_refused(page: HttpResponse) -> None:
    assert page.status_code == 403
    assert FAILED in page.content.decode()
    assert cookies.SIGN_IN not in page.cookies


@pytest.mark.parametrize(
    ("typed", "password"),
    [
        pytest.param(EMAIL, "wrong horse battery staple", id="wrong password"),
        pytest.param("nobody@example.org", PASSWORD, id="nobody"),
        pytest.param(EMAIL, "", id="empty password"),
        pytest.param("", PASSWORD, id="empty name"),
        pytest.param(EMAIL, "x" * 600, id="long password"),
        pytest.param("x" * 5_000, PASSWORD, id="long name"),
        pytest.param("a\x00b", "c\x00d", id="NUL"),
        pytest.param("ana%zz@example.org", "%zz", id="percent"),
        pytest.param("'; DROP TABLE tenants_subject; --", PASSWORD, id="SQL"),
    ],
)
def test_what_is_wrong_is_refused_alike(tenant: Tenant, typed: str, password: str) -> None:
    person = Person(tenant)
    page = person.open("/sign-in")
    assert_refused(person.submit(page, "password-form", identifier=typed, password=password))


def test_a_disabled_person_is_refused_like_nobody(tenant: Tenant) -> None:
    make_subject_with_password(tenant, "bo@example.org", is_enabled=False)
    assert_refused(Person(tenant).sign_in("bo@example.org"))


@pytest.mark.usefixtures("tenant")
def test_a_person_of_another_tenant_is_nobody_here() -> None:
    assert_refused(Person(make_tenant("initech")).sign_in(EMAIL))


def test_a_person_without_password_is_refused(tenant: Tenant) -> None:
    make_subject(tenant, "cy@example.org")
    assert_refused(Person(tenant).sign_in("cy@example.org"))


def test_a_verified_address_wins_over_one_that_is_only_claimed(tenant: Tenant) -> None:
    liar = make_subject_with_password(tenant, EMAIL, is_email_verified=False)
    person = Person(tenant)
    person.sign_in(EMAIL)
    assert sign_in_of(person).subject_id != liar.pk


def test_two_with_one_address_sign_in_by_neither(tenant: Tenant) -> None:
    make_subject_with_password(tenant, EMAIL)
    assert_refused(Person(tenant).sign_in(EMAIL))


def test_an_old_form_leads_to_the_page_anew(tenant: Tenant) -> None:
    person = Person(tenant)
    page = person.open("/sign-in?ui_locales=en&other=%22%3E")
    person.http.cookies.clear()
    refused = person.prove(page, EMAIL)
    assert refused.status_code == 403
    path = f"/t/{tenant.path}/sign-in?ui_locales=en&amp;other=%22%3E"
    assert f'id="again" href="{path}"' in refused.content.decode()
    assert person.prove(person.open(person.address), EMAIL).status_code == 200


def test_an_old_form_that_has_no_page_leads_nowhere(tenant: Tenant) -> None:
    refused = Person(tenant).post("/sign-in/passkey", {"form_token": "old"})
    assert refused.status_code == 403
    assert 'id="again"' not in refused.content.decode()


def test_the_page_is_not_there_where_passwords_are_not_offered() -> None:
    tenant = make_tenant(allow_password_sign_in=False)
    person = Person(tenant)
    page = person.open("/sign-in")
    assert 'id="password-form"' not in page.content.decode()
    token = person.form(Person(make_tenant("other")).open("/sign-in"), "password-form").fields[
        "form_token"
    ]
    assert person.post("/sign-in", {"form_token": token}).status_code == 403


def test_a_tenant_without_any_way_says_so(tenant: Tenant) -> None:
    closed = make_tenant(
        "closed",
        allow_password_sign_in=False,
        allow_email_sign_in=False,
        allow_passkey_sign_in=False,
    )
    text = Person(closed).open("/sign-in").content.decode()
    assert 'id="no-way"' in text
    assert "<form" not in text
    assert 'id="no-way"' not in Person(tenant).open("/sign-in").content.decode()


def test_proving_again_keeps_the_sign_in_and_renews_its_secret(tenant: Tenant) -> None:
    person = Person(tenant)
    person.sign_in(EMAIL)
    first, cookie = sign_in_of(person), person.http.cookies[cookies.SIGN_IN].value
    person.sign_in(EMAIL)
    assert sign_in_of(person).pk == first.pk
    assert person.http.cookies[cookies.SIGN_IN].value != cookie


def test_somebody_else_takes_the_browser_over(tenant: Tenant) -> None:
    make_subject_with_password(tenant, "bo@example.org")
    person = Person(tenant)
    person.sign_in(EMAIL)
    first = sign_in_of(person)
    person.sign_in("bo@example.org")
    first.refresh_from_db()
    assert first.ended_reason == "replaced"
    assert sign_in_of(person).pk != first.pk


def test_who_is_signed_in_is_told(tenant: Tenant) -> None:
    person = Person(tenant)
    person.sign_in(EMAIL)
    assert "You are signed in as <strong>Ana Silva</strong>" in (
        person.open("/sign-in").content.decode()
    )


def test_the_typed_name_stays_and_is_escaped(tenant: Tenant) -> None:
    person = Person(tenant)
    page = person.submit(
        person.open("/sign-in"), "password-form", identifier='"><b>x', password="wrong"
    )
    assert 'value="&quot;&gt;&lt;b&gt;x"' in page.content.decode()
    assert "wrong" not in page.content.decode()


def test_a_password_is_the_same_however_it_is_composed(tenant: Tenant) -> None:
    subject = make_subject(tenant, "dee@example.org")
    subject_credentials.set_password(
        tenant.pk, subject.pk, "mu\u0308nchner bru\u0308cke", actor=SYSTEM
    )
    page = Person(tenant).sign_in("dee@example.org", "münchner\u00a0brücke")
    assert FAILED not in page.content.decode()


def test_a_new_password_ends_what_the_old_one_began(tenant: Tenant) -> None:
    person = Person(tenant)
    person.sign_in(EMAIL)
    subject_id = sign_in_of(person).subject_id
    subject_credentials.set_password(tenant.pk, subject_id, "a wholly other one", actor=SYSTEM)
    assert "You are signed in as" not in person.open("/sign-in").content.decode()
    assert_refused(Person(tenant).sign_in(EMAIL))


def test_the_languages_of_browser_and_tenant_are_spoken(tenant: Tenant) -> None:
    assert (
        '<html lang="de">' in Person(tenant, language="de-AT, en").open("/sign-in").content.decode()
    )
    tenant.default_language = "de"
    changes.save(tenant, actor=SYSTEM)
    assert '<html lang="de">' in Person(tenant, language="fr").open("/sign-in").content.decode()


def test_the_pages_cannot_be_framed_kept_or_scripted(tenant: Tenant) -> None:
    page = Person(tenant).open("/sign-in")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
