"""Links by mail sign in, set passwords and make accounts: once, soon, in the browser that asked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from tenants.errors import InvalidEntity, NotFound
from tenants.models import AuditEvent, Subject
from tenants.records import SYSTEM, Actor
from tenants.services import changes, subject_credentials
from tests.browser_person import PASSWORD, Person, delivered_mail
from tests.factories.people import make_subject, make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens.front_channel import cookies
from tokens.front_channel.email_links import send_password_link
from tokens.models import EmailLink, SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.mail import EmailMessage
    from pytest_django import DjangoCaptureOnCommitCallbacks

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
EMAIL = "ana@example.org"
NEW = "something new to remember"
OPERATOR = Actor("operator", id="7")


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with Ana, who has a password, where anybody may sign up."""
    made = make_tenant(allow_sign_up=True, name="Globex")
    make_subject_with_password(made, EMAIL)
    return made


@pytest.fixture
def mails() -> Iterator[list[EmailMessage]]:
    """The mails that tasks have sent."""
    with delivered_mail() as sent:
        yield sent


def ask(person: Person, path: str = "/sign-in/email", email: str = EMAIL) -> str:
    page = person.submit(person.open(path), email=email)
    assert page.status_code == 200
    return page.content.decode()


def link_in(mails: list[EmailMessage]) -> str:
    assert len(mails) == 1
    found = re.search(r"http\S+", str(mails[0].body))
    assert found is not None
    return found.group()


def is_signed_in(person: Person) -> bool:
    return "You are signed in as" in person.open("/sign-in").content.decode()


def test_a_link_signs_in_by_its_form_only(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person)
    page = person.open(link_in(mails))
    person.open(link_in(mails))
    assert EMAIL in page.content.decode()
    assert not SignIn.objects.exists()
    person.submit(page)
    assert is_signed_in(person)
    assert SignIn.objects.get().amr == ["otp"]


def test_a_link_works_once(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person)
    page = person.open(link_in(mails))
    browser = person.http.cookies[cookies.BROWSER].value
    person.submit(page)
    person.http.cookies[cookies.BROWSER] = browser
    assert person.open(link_in(mails)).status_code == 410
    assert person.submit(page).status_code == 410


def test_a_link_is_dead_after_ten_minutes(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person)
    link = EmailLink.objects.get()
    assert link.expires_at - link.created_at == timedelta(minutes=10)
    EmailLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert person.open(link_in(mails)).status_code == 410


def test_another_browser_may_not_follow_it(tenant: Tenant, mails: list[EmailMessage]) -> None:
    ask(Person(tenant))
    stranger = Person(tenant)
    stranger.open("/sign-in")
    page = stranger.open(link_in(mails))
    assert page.status_code == 403
    assert "other browser" in page.content.decode()


def test_another_tenant_does_not_know_it(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person)
    elsewhere = link_in(mails).replace(tenant.path, make_tenant("initech").path)
    assert person.http.get(elsewhere.removeprefix("http://localhost:8000")).status_code == 410


def test_a_link_serves_only_what_it_was_asked_for(
    tenant: Tenant, mails: list[EmailMessage]
) -> None:
    person = Person(tenant)
    ask(person)
    for path in ("password/new", "sign-up/new"):
        assert person.open(link_in(mails).replace("sign-in/link", path)).status_code == 410


def test_a_new_password_ends_the_links_that_are_on_their_way(
    tenant: Tenant, mails: list[EmailMessage]
) -> None:
    person = Person(tenant)
    ask(person)
    subject = Subject.objects.get()
    subject_credentials.set_password(tenant.pk, subject.pk, NEW, actor=SYSTEM)
    assert person.open(link_in(mails)).status_code == 410


@pytest.mark.parametrize(
    "path", ["/sign-in/email", "/password/forgotten"], ids=["link", "password"]
)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"email": "nobody@example.org"}, id="nobody"),
        pytest.param({"email": "bo@example.org", "is_enabled": False}, id="disabled"),
        pytest.param({"email": "bo@example.org", "is_email_verified": False}, id="unverified"),
    ],
)
def test_nobody_learns_whether_there_is_an_account(
    tenant: Tenant, mails: list[EmailMessage], path: str, fields: dict[str, str]
) -> None:
    if len(fields) > 1:
        make_subject(tenant, **fields)
    known = ask(Person(tenant), path).replace(EMAIL, "...")
    mails.clear()
    assert ask(Person(tenant), path, fields["email"]).replace(fields["email"], "...") == known
    assert mails == []


@pytest.mark.parametrize(
    "email",
    [
        "",
        "no address",
        "a@b",
        "ana@example.org\nBcc: all@example.org",
        "a\x00@example.org",
        "x" * 300 + "@example.org",
        "%zz",
        "\u212aim@example.org",
        '"x\x1cBcc:all@example.org,\x1c"@example.org',
        '"a\\\tb"@example.org',
        '"a,b@example.net"@example.org',
        "a@[127.0.0.1]",
        "a@b\u2028.example",
    ],
    ids=[
        *("empty", "words", "no domain", "header", "NUL", "long", "percent", "kelvin"),
        *("separator in quotes", "tab in quotes", "two in quotes", "machine", "no host name"),
    ],
)
def test_what_is_no_address_is_said_and_mailed_nowhere(
    tenant: Tenant, mails: list[EmailMessage], email: str
) -> None:
    person = Person(tenant)
    page = person.submit(person.open("/sign-in/email"), email=email)
    assert page.status_code == 422
    assert 'id="problem"' in page.content.decode()
    assert mails == []


def test_a_mailbox_gets_a_few_mails_only(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    for _ in range(5):
        ask(person)
    page = person.submit(person.open("/sign-in/email"), email=EMAIL.upper())
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0
    assert len(mails) == 5


def test_the_mail_is_plain_and_speaks_as_the_person(
    tenant: Tenant, mails: list[EmailMessage]
) -> None:
    tenant.name = "Globex\r\nBcc: all@example.org"
    changes.save(tenant, actor=SYSTEM)
    ask(Person(tenant, language="de"))
    mail = mails[0]
    assert mail.to == [EMAIL]
    assert mail.subject == "Anmelden bei Globex Bcc: all@example.org"
    assert mail.bcc == []
    assert "Ana" not in str(mail.body)


def test_a_forgotten_password_is_replaced(tenant: Tenant, mails: list[EmailMessage]) -> None:
    elsewhere, person = Person(tenant), Person(tenant)
    elsewhere.sign_in(EMAIL)
    ask(person, "/password/forgotten")
    page = person.open(link_in(mails))
    weak = person.submit(page, new_password="password1234")
    assert weak.status_code == 422
    assert "too common" in weak.content.decode()
    person.submit(weak, new_password=NEW)
    assert is_signed_in(person)
    assert not is_signed_in(elsewhere)
    assert Person(tenant).sign_in(EMAIL).status_code == 403
    another = Person(tenant)
    another.sign_in(EMAIL, NEW)
    assert is_signed_in(another)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        pytest.param("short", "too short", id="short"),
        pytest.param("ana@example.org", "too much like your name", id="own address"),
        pytest.param("x" * 513, "too long", id="long"),
        pytest.param("a password\x00 with NUL", "be typed", id="NUL"),
        pytest.param("", "too short", id="empty"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_lives(
    tenant: Tenant, mails: list[EmailMessage], password: str, words: str
) -> None:
    person = Person(tenant)
    ask(person, "/password/forgotten")
    page = person.submit(person.open(link_in(mails)), new_password=password)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert person.open(link_in(mails)).status_code == 200


def test_somebody_new_makes_an_account(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person, "/sign-up", "New@Example.org")
    page = person.open(link_in(mails))
    empty = person.submit(page, name="", new_password="")
    assert empty.status_code == 422
    person.submit(empty, name="Nia New", new_password=NEW)
    assert is_signed_in(person)
    subject = Subject.objects.get(email="new@example.org")
    assert (subject.name, subject.is_email_verified) == ("Nia New", True)
    other = Person(tenant)
    other.sign_in("new@example.org", NEW)
    assert is_signed_in(other)


def test_an_address_with_an_account_gets_a_mail_that_says_so(
    tenant: Tenant, mails: list[EmailMessage]
) -> None:
    new = ask(Person(tenant), "/sign-up", "new@example.org").replace("new@example.org", "...")
    mails.clear()
    assert ask(Person(tenant), "/sign-up").replace(EMAIL, "...") == new
    assert "already" in str(mails[0].body)
    assert link_in(mails).endswith("/sign-in")


def test_two_links_make_one_account(tenant: Tenant, mails: list[EmailMessage]) -> None:
    first, second = Person(tenant), Person(tenant)
    ask(first, "/sign-up", "new@example.org")
    page = first.open(link_in(mails))
    mails.clear()
    ask(second, "/sign-up", "new@example.org")
    second.submit(second.open(link_in(mails)), name="Nia", new_password=NEW)
    assert first.submit(page, name="Noa", new_password=NEW).status_code == 410
    assert Subject.objects.filter(email="new@example.org").count() == 1


@pytest.mark.parametrize(
    ("setting", "paths"),
    [
        ("allow_sign_up", ["/sign-up"]),
        ("allow_email_sign_in", ["/sign-in/email"]),
        ("allow_password_sign_in", ["/password/forgotten"]),
    ],
)
def test_what_a_tenant_does_not_offer_is_not_there(
    tenant: Tenant, setting: str, paths: list[str]
) -> None:
    setattr(tenant, setting, False)
    changes.save(tenant, actor=SYSTEM)
    person = Person(tenant)
    signs = person.open("/sign-in").content.decode()
    for path in paths:
        assert path not in signs
        assert person.open(path).status_code == 404


def test_an_operator_sends_a_link_that_any_browser_follows_for_a_day(
    tenant: Tenant,
    mails: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    subject = make_subject(tenant, "bo@example.org", is_email_verified=False)
    with django_capture_on_commit_callbacks(execute=True):
        send_password_link(tenant.pk, subject, OPERATOR)
    person = Person(tenant)
    person.submit(person.open(link_in(mails)), new_password=NEW)
    subject.refresh_from_db()
    assert subject.is_email_verified
    assert is_signed_in(person)
    link = EmailLink.objects.get()
    assert link.expires_at - link.created_at == timedelta(days=1)
    assert AuditEvent.objects.filter(event="subject.password_link_sent").exists()


def test_an_operator_sends_no_link_where_it_would_not_help(tenant: Tenant) -> None:
    with pytest.raises(InvalidEntity, match="no e-mail address"):
        send_password_link(tenant.pk, make_subject(tenant, ""), OPERATOR)
    subject = make_subject(make_tenant("initech"), "bo@example.org")
    with pytest.raises(NotFound):
        send_password_link(tenant.pk, subject, OPERATOR)


def test_no_secret_is_kept_in_the_audit_or_the_link(
    tenant: Tenant, mails: list[EmailMessage]
) -> None:
    person = Person(tenant)
    ask(person, "/password/forgotten")
    person.submit(person.open(link_in(mails)), new_password=NEW)
    events = set(AuditEvent.objects.values_list("event", flat=True))
    assert {"subject_password.updated", "cut_off.created"} <= events
    assert link_in(mails).split("=")[1] not in str(EmailLink.objects.values())
    assert PASSWORD not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("path", ["/sign-in/email", "/password/forgotten"])
def test_a_link_dies_when_its_address_is_the_persons_no_more(
    tenant: Tenant, mails: list[EmailMessage], path: str
) -> None:
    person = Person(tenant)
    ask(person, path)
    page = person.open(link_in(mails))
    subject = Subject.objects.get()
    subject.email = "ana@example.net"
    changes.save(subject, actor=OPERATOR)
    assert person.submit(page, new_password=NEW).status_code == 410
    assert person.open(link_in(mails)).status_code == 410
    assert not SignIn.objects.exists()


def test_what_an_operator_sent_to_a_wrong_address_is_dead_once_it_is_mended(
    tenant: Tenant,
    mails: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    subject = make_subject(tenant, "wrong@example.net", is_email_verified=False)
    with django_capture_on_commit_callbacks(execute=True):
        send_password_link(tenant.pk, subject, OPERATOR)
    subject.email = "right@example.org"
    changes.save(subject, actor=OPERATOR)
    assert Person(tenant).open(link_in(mails)).status_code == 410


def test_a_disabled_persons_link_is_dead(tenant: Tenant, mails: list[EmailMessage]) -> None:
    person = Person(tenant)
    ask(person)
    Subject.objects.update(is_enabled=False)
    assert person.open(link_in(mails)).status_code == 410


def test_an_operator_sends_no_link_to_what_is_two_lines(tenant: Tenant) -> None:
    subject = make_subject(tenant, '"x\x1cBcc:all@example.org"@example.org')
    with pytest.raises(InvalidEntity, match="no e-mail address"):
        send_password_link(tenant.pk, subject, OPERATOR)
