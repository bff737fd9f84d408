"""Attacks on passkeys. Source: WebAuthn Level 3 sections 7.1, 7.2 and 13."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tenants.models import AuditEvent, Passkey
from tests.authenticators import PRESENT, Authenticator, add_passkey, fetch_options, to_text
from tests.browser_person import Person
from tests.factories.code_flow import CodeFlow, make_flow, person_of
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens import passkeys
from tokens.models import ReplayedAssertion, SignIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db
OPTIONS = "/sign-in/passkey/options"
NEW_OPTIONS = "/account/passkeys/options"


@pytest.fixture
def flow() -> CodeFlow:
    made = make_flow()
    made.sign_in()
    return made


@pytest.fixture
def device(flow: CodeFlow) -> Authenticator:
    """A passkey of Ana."""
    return add_passkey(flow.person)


@pytest.fixture
def stranger(flow: CodeFlow) -> Person:
    """A browser in which nobody is signed in."""
    return Person(flow.tenant)


def send(person: Person, answer: str) -> HttpResponse:
    return person.submit(person.open("/sign-in"), "passkey-form", credential=answer)


def offer(person: Person, answer: str) -> HttpResponse:
    """Send a new passkey from the account page."""
    page = person.open("/account/passkeys")
    return person.submit(page, "passkey-form", credential=answer, label="Mine")


def changed(answer: str, path: tuple[str, ...], value: object) -> str:
    """Change one member of an answer."""
    said = json.loads(answer)
    place = said
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return json.dumps(said)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"origin": "https://evil.example"}, id="other-origin"),
        pytest.param({"origin": "http://localhost.evil.example"}, id="longer-origin"),
        pytest.param({"origin": "http://sub.localhost:8000"}, id="subdomain"),
        pytest.param({"host": "evil.example"}, id="other-relying-party"),
        pytest.param({"flags": PRESENT}, id="person-not-verified"),
        pytest.param({"flags": 0}, id="nobody-present"),
        pytest.param({"user_handle": b"somebody else's!"}, id="other-person"),
        pytest.param({"user_handle": b""}, id="no-person"),
        pytest.param({"key": Authenticator().key}, id="other-key"),
        pytest.param({"credential_id": b"unknown"}, id="unknown-passkey"),
    ],
)
def test_answer_that_is_wrong_in_one_point_signs_nobody_in(
    device: Authenticator, stranger: Person, fault: dict[str, Any]
) -> None:
    options = fetch_options(stranger, OPTIONS)
    for name, value in fault.items():
        setattr(device, name, value)
    page = send(stranger, device.sign(options))
    assert page.status_code == 403
    assert "This passkey does not work here" in page.content.decode()
    assert not SignIn.objects.filter(acr="phr").exists()
    assert (
        not ReplayedAssertion.objects.filter(tenant_id=Passkey.objects.get().tenant_id).count() > 1
    )


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"origin": "https://evil.example"}, id="other-origin"),
        pytest.param({"host": "evil.example"}, id="other-relying-party"),
        pytest.param({"flags": PRESENT}, id="person-not-verified"),
    ],
)
def test_passkey_that_is_made_wrongly_is_not_kept(flow: CodeFlow, fault: dict[str, Any]) -> None:
    answer = Authenticator(**fault).make(fetch_options(flow.person, NEW_OPTIONS))
    assert offer(flow.person, answer).status_code == 403
    assert not Passkey.objects.exists()


def test_answer_works_once(device: Authenticator, stranger: Person, flow: CodeFlow) -> None:
    device.step = 0
    answer = device.sign(fetch_options(stranger, OPTIONS))
    # The cookie of the browser is new after a sign-in, so the copy comes from before.
    kept = stranger.http.cookies.output()
    token = stranger.form(stranger.open("/sign-in"), "passkey-form").fields["form_token"][0]
    assert send(stranger, answer).status_code == 200
    thief = Person(flow.tenant)
    thief.http.cookies.load(kept.replace("Set-Cookie: ", ""))
    again = thief.post("/sign-in/passkey", {"form_token": token, "credential": answer})
    assert again.status_code == 403
    assert SignIn.objects.filter(acr="phr").count() == 1


def test_challenge_of_another_browser_is_worth_nothing(
    device: Authenticator, stranger: Person, flow: CodeFlow
) -> None:
    answer = device.sign(fetch_options(stranger, OPTIONS))
    assert send(Person(flow.tenant), answer).status_code == 403


def test_challenge_of_another_tenant_is_worth_nothing(
    device: Authenticator, stranger: Person
) -> None:
    elsewhere = Person(make_tenant("initech"))
    elsewhere.http.cookies = stranger.http.cookies
    assert send(stranger, device.sign(fetch_options(elsewhere, OPTIONS))).status_code == 403


def test_passkey_of_another_tenant_is_not_known(device: Authenticator) -> None:
    elsewhere = Person(make_tenant("initech"))
    assert send(elsewhere, device.sign(fetch_options(elsewhere, OPTIONS))).status_code == 403


def test_challenge_for_signing_in_makes_no_passkey(flow: CodeFlow) -> None:
    options = fetch_options(flow.person, OPTIONS)
    options["user"] = {"id": to_text(person_of(flow).pk.bytes)}
    assert offer(flow.person, Authenticator().make(options)).status_code == 403


def test_challenge_for_making_one_signs_nobody_in(flow: CodeFlow, device: Authenticator) -> None:
    answer = device.sign(fetch_options(flow.person, NEW_OPTIONS))
    assert send(flow.person, answer).status_code == 403


def test_challenge_of_one_person_makes_no_passkey_of_another(flow: CodeFlow) -> None:
    options = fetch_options(flow.person, NEW_OPTIONS)
    make_subject_with_password(flow.tenant, "eve@example.org")
    flow.person.sign_in("eve@example.org")
    assert offer(flow.person, Authenticator().make(options)).status_code == 403


def test_challenge_lives_ten_minutes(device: Authenticator, stranger: Person) -> None:
    answer = device.sign(fetch_options(stranger, OPTIONS))
    late = datetime.now(UTC) + timedelta(seconds=passkeys.CHALLENGE_SECONDS + 5)
    with time_machine.travel(late):
        assert send(stranger, answer).status_code == 403


def test_counter_that_goes_back_is_refused_and_audited(
    device: Authenticator, stranger: Person
) -> None:
    Passkey.objects.update(signature_count=10)
    device.count = 3
    assert send(stranger, device.sign(fetch_options(stranger, OPTIONS))).status_code == 403
    event = AuditEvent.objects.get(event="passkey.refused")
    assert event.entity_id == str(Passkey.objects.get().pk)
    assert Passkey.objects.get().signature_count == 10


def test_disabled_person_signs_in_no_more(
    device: Authenticator, stranger: Person, flow: CodeFlow
) -> None:
    subject = person_of(flow)
    type(subject).objects.filter(pk=subject.pk).update(is_enabled=False)
    assert send(stranger, device.sign(fetch_options(stranger, OPTIONS))).status_code == 403


HOSTILE: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "no-json": lambda _: "{",
    "array": lambda _: "[]",
    "number": lambda _: "1",
    "null": lambda _: "null",
    "deep": lambda _: "[" * 9_000,
    "long": lambda _: "x" * 30_000,
    "NUL": lambda _: "\x00",
    "id-array": lambda text: changed(text, ("rawId",), []),
    "other-id": lambda text: changed(text, ("id",), "AAAA"),
    "other-type": lambda text: changed(text, ("type",), "password"),
    "no-response": lambda text: changed(text, ("response",), None),
    "client-data-no-json": lambda text: changed(text, ("response", "clientDataJSON"), "AAAA"),
    "client-data-array": lambda text: changed(text, ("response", "clientDataJSON"), to_text(b"[]")),
    "challenge-number": lambda text: changed(
        text,
        ("response", "clientDataJSON"),
        to_text(b'{"type":"webauthn.get","challenge":1,"origin":"x"}'),
    ),
    "challenge-no-text": lambda text: changed(
        text,
        ("response", "clientDataJSON"),
        to_text(b'{"type":"webauthn.get","challenge":"_w","origin":"x"}'),
    ),
    "facts-short": lambda text: changed(text, ("response", "authenticatorData"), "AAAA"),
    "signature-empty": lambda text: changed(text, ("response", "signature"), ""),
    "signature-number": lambda text: changed(text, ("response", "signature"), 1),
    "handle-number": lambda text: changed(text, ("response", "userHandle"), 1),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answer_is_a_plain_refusal(
    device: Authenticator, stranger: Person, spoil: Callable[[str], str]
) -> None:
    answer = device.sign(fetch_options(stranger, OPTIONS))
    assert send(stranger, spoil(answer)).status_code == 403


HOSTILE_NEW: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "array": lambda _: "[]",
    "object-no-cbor": lambda text: changed(text, ("response", "attestationObject"), "AAAA"),
    "object-empty-map": lambda text: changed(text, ("response", "attestationObject"), "oA"),
    "object-number": lambda text: changed(text, ("response", "attestationObject"), 1),
    "transports-text": lambda text: changed(text, ("response", "transports"), "usb"),
    "transports-odd": lambda text: changed(text, ("response", "transports"), [{}, 1, "\x00"]),
}


@pytest.mark.parametrize("spoil", HOSTILE_NEW.values(), ids=HOSTILE_NEW.keys())
def test_hostile_new_passkey_is_no_error(flow: CodeFlow, spoil: Callable[[str], str]) -> None:
    answer = Authenticator().make(fetch_options(flow.person, NEW_OPTIONS))
    page = offer(flow.person, spoil(answer))
    assert page.status_code in {200, 403}, page.content


@pytest.mark.parametrize("path", [OPTIONS, "/sign-in/passkey", NEW_OPTIONS, "/account/passkeys"])
def test_form_of_another_site_is_refused(flow: CodeFlow, path: str) -> None:
    assert flow.person.post(path, {"form_token": "x"}).status_code == 403
    token = flow.person.form(flow.person.open("/sign-in"), "passkey-form").fields["form_token"]
    flow.person.headers["Origin"] = "https://evil.example"
    assert flow.person.post(path, {"form_token": token[0]}).status_code == 403


def test_page_never_shows_a_key(flow: CodeFlow, device: Authenticator) -> None:
    page = flow.person.open("/account").content.decode()
    assert to_text(device.credential_id) not in page
