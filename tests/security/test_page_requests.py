"""No request for a page, however it is put together, is a fault of ours or takes long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tenants.queries.subject_credentials import normalise_password
from tests.browser_person import PASSWORD, Person, delivered_mail
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens.models import SignIn

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
EMAIL = "ana@example.org"
PATHS = (
    *("/oauth/authorize", "/consent", "/sign-in", "/sign-in/email", "/sign-in/link", "/sign-up"),
    *("/sign-up/new", "/password/forgotten", "/password/new", "/account", "/device"),
    *("/branding/style.css", "/oauth/logout"),
)
MANY = "&".join(f"a{number}=1" for number in range(1_200))
BAD_BASE64 = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!x\r\n--x--\r\n"
)
MALFORMED = {
    "another charset": (FORM + "; charset=utf-16", b"a=b", {}),
    "no boundary": (MULTIPART, b"x", {}),
    "odd boundary": (MULTIPART + "; boundary=\xff", b"x", {}),
    "no parts": (MULTIPART + "; boundary=x", b"x", {}),
    "bad base64": (MULTIPART + "; boundary=x", BAD_BASE64, {}),
    "many files": (
        MULTIPART + "; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n' * 200
        + b"--x--\r\n",
        {},
    ),
    "length below zero": (MULTIPART + "; boundary=x", b"x", {"Content-Length": "-5"}),
    "length that is no number": (FORM, b"a=b", {"Content-Length": "abc"}),
    "length in other digits": (FORM, b"a=b", {"Content-Length": "\u00b2"}),
    "many fields": (FORM, MANY.encode(), {}),
    "JSON": ("application/json", b"{}", {}),
    "nothing": ("", b"", {}),
}


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with Ana, where anybody may sign up."""
    made = make_tenant(allow_sign_up=True)
    make_subject_with_password(made, EMAIL)
    return made


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_form_is_refused(
    tenant: Tenant, sent: tuple[str, bytes, dict[str, str]]
) -> None:
    media_type, body, headers = sent
    person = Person(tenant)
    person.open("/sign-in")
    for path in PATHS:
        page = person.http.generic(
            "POST", f"/t/{tenant.path}{path}", body, content_type=media_type, headers=headers
        )
        assert page.status_code in {303, *range(400, 500)}, path
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"] or (
            page.status_code == 303
        )


@pytest.mark.parametrize("path", PATHS)
def test_too_many_parameters_are_refused(tenant: Tenant, path: str) -> None:
    assert Person(tenant).open(f"{path}?{MANY}", follows=False).status_code == 400


def test_that_a_request_is_unreadable_is_said_in_the_persons_language(tenant: Tenant) -> None:
    page = Person(tenant, language="de").open(f"/sign-in?{MANY}").content.decode()
    assert '<html lang="de">' in page


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(tenant: Tenant, method: str) -> None:
    person = Person(tenant)
    for path in PATHS:
        assert person.http.generic(method, f"/t/{tenant.path}{path}").status_code == 405, path


@pytest.mark.parametrize(
    "language",
    ["de" * 5_000, "\x00", "*", ";q=x", "de;q=9999999", "\u0130", "-", "de-" + "x-" * 90],
    ids=["long", "NUL", "any", "no quality", "much quality", "dotted", "hyphen", "many parts"],
)
def test_no_language_breaks_a_page(tenant: Tenant, language: str) -> None:
    assert Person(tenant, language=language).open("/sign-in").status_code == 200


@pytest.mark.parametrize(
    "name", ["a\x00b", "a\nb", "\u202eana", "x\x85x"], ids=["NUL", "lines", "direction", "control"]
)
def test_a_name_that_can_not_be_shown_makes_no_account(tenant: Tenant, name: str) -> None:
    person = Person(tenant)
    with delivered_mail() as mails:
        person.submit(person.open("/sign-up"), email="new@example.org")
    link = next(word for word in str(mails[0].body).split() if "link=" in word)
    refused = person.submit(person.open(link), name=name, new_password=PASSWORD)
    assert refused.status_code == 422
    assert not SignIn.objects.exists()
    person.submit(person.open(link), name="Ana", new_password=PASSWORD)
    assert SignIn.objects.exists()


def test_a_heap_of_accents_is_not_sorted(tenant: Tenant) -> None:
    heap = "a" + "\u0301\u0316" * 16_000
    began = time.thread_time()
    assert normalise_password(heap) == heap
    assert time.thread_time() - began < 0.05
    person = Person(tenant)
    page = person.submit(person.open("/sign-in"), "password-form", identifier=EMAIL, password=heap)
    assert page.status_code in {403, 413}
