"""Passkeys: made on the account page, used on the sign-in page, counted for step-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tenants.models import AuditEvent, Passkey, Scope
from tenants.public_addresses import find_host_name
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.authenticators import BACKED_UP, ELIGIBLE, Authenticator, add_passkey, fetch_options
from tests.browser_person import Person
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_flow, person_of
from tests.rfc.verification import verify
from tokens.models import SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


@pytest.fixture
def device(flow: CodeFlow) -> Authenticator:
    """A passkey of Ana."""
    flow.sign_in()
    return add_passkey(flow.person)


def use(person: Person, device: Authenticator, page: HttpResponse | None = None) -> HttpResponse:
    """Sign in with a passkey on a page, by default the sign-in page alone."""
    answer = device.sign(fetch_options(person, "/sign-in/passkey/options"))
    return person.submit(page or person.open("/sign-in"), "passkey-form", credential=answer)


def test_passkey_is_made_listed_and_audited(flow: CodeFlow, device: Authenticator) -> None:
    passkey = Passkey.objects.get()
    assert bytes(passkey.credential_id) == device.credential_id
    assert (passkey.label, passkey.transports) == ("My key", ["internal"])
    assert passkey.subject == person_of(flow)
    made = AuditEvent.objects.get(event="passkey.created")
    assert (made.actor_kind, made.actor_id) == ("subject", str(passkey.subject_id))
    assert b"<strong>My key</strong>" in flow.person.open("/account").content


@pytest.mark.parametrize(
    ("flags", "amr"),
    [
        pytest.param(0, ["hwk", "user"], id="bound-to-its-device"),
        pytest.param(ELIGIBLE | BACKED_UP, ["swk", "user"], id="synchronised"),
    ],
)
def test_passkey_signs_in(flow: CodeFlow, flags: int, amr: list[str]) -> None:
    flow.sign_in()
    device = add_passkey(flow.person)
    device.flags |= flags
    person = Person(flow.tenant)
    page = use(person, device)
    assert page.status_code == 200
    assert person.address.endswith("/account")
    signed_in = SignIn.objects.get(acr="phr")
    assert (signed_in.subject, signed_in.amr) == (person_of(flow), amr)
    passkey = Passkey.objects.get()
    assert passkey.last_used_at is not None
    assert passkey.signature_count == 1
    assert passkey.is_backed_up is bool(flags)


def test_authenticator_that_does_not_count_signs_in_again_and_again(flow: CodeFlow) -> None:
    flow.sign_in()
    device = add_passkey(flow.person, step=0)
    for _ in range(2):
        assert use(Person(flow.tenant), device).status_code == 200


def test_scope_that_wants_a_passkey_is_granted_after_one(
    flow: CodeFlow, device: Authenticator
) -> None:
    scope = Scope.objects.get(tenant=flow.tenant, name="write")
    scope.min_acr = "phr"
    changes.save(scope, actor=SYSTEM)
    page = flow.ask(scope="openid write")
    assert b'id="passkey-form"' in page.content
    answer = device.sign(fetch_options(flow.person, "/sign-in/passkey/options"))
    page = flow.person.submit(page, "passkey-form", credential=answer)
    tokens = flow.redeem(answer_of(flow.agree(page))["code"]).json()
    claims = verify(flow.oauth, tokens["id_token"], audience="web-app")
    assert (claims["acr"], claims["amr"]) == ("phr", ["hwk", "user"])
    assert SignIn.objects.filter(ended_at=None).count() == 1, "the same person stays signed in"


def test_removed_passkey_signs_nobody_in(flow: CodeFlow, device: Authenticator) -> None:
    row = Passkey.objects.get()
    flow.person.submit(flow.person.open(f"/account/passkeys/{row.pk}/remove"), "question-form")
    assert use(Person(flow.tenant), device).status_code == 403


def test_options_ask_for_a_verified_person_and_name_nobody(flow: CodeFlow) -> None:
    options = fetch_options(flow.person, "/sign-in/passkey/options")
    assert options["userVerification"] == "required"
    assert options.get("allowCredentials", []) == []


def test_what_a_person_has_is_not_made_twice(flow: CodeFlow, device: Authenticator) -> None:
    options = fetch_options(flow.person, "/account/passkeys/options")
    assert len(options["excludeCredentials"]) == 1
    page = flow.person.open("/account/passkeys")
    answer = device.make(options)
    again = flow.person.submit(page, "passkey-form", credential=answer, label="x")
    assert (again.status_code, Passkey.objects.count()) == (422, 1)


def test_nobody_has_more_than_ten(flow: CodeFlow) -> None:
    flow.sign_in()
    for number in range(10):
        add_passkey(flow.person, f"Key {number}")
    device = Authenticator()
    answer = device.make(fetch_options(flow.person, "/account/passkeys/options"))
    page = flow.person.open("/account/passkeys")
    refused = flow.person.submit(page, "passkey-form", credential=answer, label="One more")
    assert refused.status_code == 422
    assert Passkey.objects.count() == 10


@pytest.mark.parametrize("label", ["", "x" * 101, "a\x00b"], ids=["none", "long", "NUL"])
def test_passkey_has_a_name_that_can_be_read(flow: CodeFlow, label: str) -> None:
    flow.sign_in()
    answer = Authenticator().make(fetch_options(flow.person, "/account/passkeys/options"))
    page = flow.person.open("/account/passkeys")
    refused = flow.person.submit(page, "passkey-form", credential=answer, label=label)
    assert refused.status_code == 422
    assert not Passkey.objects.exists()


def test_stranger_makes_none(flow: CodeFlow) -> None:
    assert b'id="password-form"' in flow.person.open("/account/passkeys").content


def test_tenant_without_passkeys_has_no_trace_of_them(flow: CodeFlow) -> None:
    flow.sign_in()
    flow.tenant.refresh_from_db()
    flow.tenant.allow_passkey_sign_in = False
    update_tenant(flow.tenant, actor=SYSTEM)
    for path in ("/sign-in", "/account"):
        assert b"passkey" not in flow.person.open(path).content.lower()
    assert flow.person.open("/account/passkeys").status_code == 404
    form = flow.person.form(flow.person.open("/sign-in"), "password-form")
    token = {"form_token": form.fields["form_token"][0]}
    for path in ("/sign-in/passkey", "/sign-in/passkey/options", "/account/passkeys/options"):
        assert flow.person.post(path, token).status_code == 404


def test_platform_at_an_ip_address_offers_none(settings: Settings) -> None:
    settings.TENANTS_BASE_URL = "http://127.0.0.1:8000"
    snapshot.CURRENT.forget()
    flow = make_flow()
    assert b"passkey" not in flow.person.open("/sign-in").content


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://id.example:8443/x", "id.example"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", ""),
        ("https://[2001:db8::1]/", ""),
    ],
    ids=["name", "localhost", "IPv4", "IPv6"],
)
def test_host_has_a_name_or_not(url: str, name: str) -> None:
    assert find_host_name(url) == name


def test_german_page_speaks_german(flow: CodeFlow) -> None:
    person = Person(flow.tenant, language="de")
    assert "Mit einem Passkey anmelden" in person.open("/sign-in").content.decode()


def test_email_of_the_person_names_the_passkey(flow: CodeFlow) -> None:
    flow.sign_in()
    options = fetch_options(flow.person, "/account/passkeys/options")
    assert options["user"]["name"] == EMAIL
