"""Attacks on the device flow: guessing, forged forms, planted codes, other tenants.

Source: RFC 8628 section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tests.browser_person import Person
from tests.devices import allow, look, make_device, make_person
from tests.factories.people import make_subject_with_password
from tests.factories.policies import make_policy
from tests.factories.tenants import make_api, make_tenant
from tokens.limits.devices import count_wrong_user_code
from tokens.models import SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.devices import Device

pytestmark = pytest.mark.django_db
GUESS = "BBBB-BBBB"


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with an Api."""
    made = make_tenant()
    make_api(made)
    return made


@pytest.fixture
def device(tenant: Tenant) -> Device:
    """A device that waits for a person."""
    made = make_device(tenant)
    made.begin(scope="openid read")
    return made


@pytest.fixture
def person(tenant: Tenant) -> Person:
    """Ana, who has signed in."""
    return make_person(tenant)


def guess(person: Person, code: str = GUESS) -> HttpResponse:
    return person.open(f"/device?user_code={code}")


def test_guessing_is_delayed_and_then_even_a_right_code_is(device: Device, person: Person) -> None:
    statuses = [guess(person).status_code for _ in range(8)]
    assert statuses[:5] == [400] * 5
    assert statuses[-1] == 429
    page = guess(person, device.code)
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) >= 1
    assert device.code not in page.content.decode()


def test_changing_browser_and_address_does_not_help(device: Device, person: Person) -> None:
    for _ in range(8):
        guess(person)
    elsewhere = Person(device.tenant, REMOTE_ADDR="198.51.100.77")
    elsewhere.sign_in("ana@example.org")
    assert guess(elsewhere).status_code == 429
    assert (
        make_person(device.tenant, "bo@example.org")
        .open(f"/device?user_code={device.code}")
        .status_code
        == 200
    )


def test_a_right_code_of_ones_own_forgets_no_guess(device: Device, person: Person) -> None:
    for _ in range(4):
        guess(person)
    assert guess(person, device.code).status_code == 200
    guess(person)
    guess(person)
    assert guess(person).status_code == 429


def test_what_cannot_be_a_code_is_no_guess(device: Device, person: Person) -> None:
    for _ in range(10):
        assert guess(person, "no").status_code == 400
    assert guess(person, device.code).status_code == 200


def test_form_guesses_count_as_well(device: Device, person: Person) -> None:
    page = person.open("/device")
    for _ in range(8):
        last = person.submit(page, "device-form", user_code=GUESS)
        if last.status_code == 429:
            break
        page = last
    assert last.status_code == 429
    assert device.row.status == "pending"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Origin": "https://evil.example"}, id="foreign origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross site"),
    ],
)
def test_forged_form_approves_nothing(
    device: Device, person: Person, headers: dict[str, str]
) -> None:
    fields = {"user_code": device.code, "decision": "allow", "granted": "read"}
    if headers:
        fields |= {"form_token": person.form(look(person, device)).fields["form_token"][0]}
    person.headers |= headers
    assert person.post("/device", fields).status_code == 403
    assert device.row.status == "pending"


def test_form_token_of_another_browser_approves_nothing(device: Device, person: Person) -> None:
    attacker = make_person(device.tenant, "eve@example.org")
    token = attacker.form(look(attacker, device)).fields["form_token"][0]
    fields = {"user_code": device.code, "decision": "allow", "form_token": token}
    assert person.post("/device", fields).status_code == 403


def test_link_approves_nothing(device: Device, person: Person) -> None:
    person.open(f"/device?user_code={device.code}&decision=allow&granted=read")
    assert device.row.status == "pending"


def test_stranger_approves_nothing(device: Device) -> None:
    make_subject_with_password(device.tenant, "bo@example.org")
    stranger = Person(device.tenant)
    page = stranger.open("/sign-in")
    token = stranger.form(page, "password-form").fields["form_token"][0]
    fields = {"user_code": device.code, "decision": "allow", "form_token": token}
    page = stranger.post("/device", fields)
    assert "/sign-in?request=" in stranger.address
    assert device.row.status == "pending"


def test_who_signs_out_meanwhile_approves_nothing(device: Device, person: Person) -> None:
    page = look(person, device)
    SignIn.objects.all().delete()
    person.submit(page, "device-form", decision="allow")
    assert "/sign-in?request=" in person.address
    assert device.row.status == "pending"


def test_approval_is_bound_to_who_approved(device: Device, person: Person) -> None:
    """Whoever else has the page open takes nothing over."""
    other = make_person(device.tenant, "bo@example.org")
    page = look(other, device)
    allow(person, device)
    subject_id = device.row.subject_id
    assert other.submit(page, "device-form", decision="allow").status_code == 400
    assert other.post("/device", {**other.form(page).fields, "decision": "deny"}).status_code == 400
    assert (device.row.status, device.row.subject_id) == ("approved", subject_id)


def test_codes_of_another_tenant_are_nobodys(device: Device) -> None:
    other = make_tenant("initech")
    make_api(other)
    person = make_person(other)
    page = guess(person, device.code)
    assert page.status_code == 400
    assert "Living room TV" not in page.content.decode()
    assert device.row.status == "pending"


def test_user_codes_stand_in_no_log(
    device: Device, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    guess(person)
    allow(person, device)
    device.poll()
    device.poll()
    assert device.code not in caplog.text
    assert device.answer["device_code"] not in caplog.text


def test_delays_grow(person: Person, device: Device) -> None:
    core = snapshot.CURRENT.tenant(device.tenant.path)
    assert core is not None
    waits = []
    for _ in range(8):
        count_wrong_user_code(core, SignIn.objects.get().subject_id)
        page = guess(person, device.code)
        waits.append(int(page.headers.get("Retry-After", 0)))
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0, 8)


@pytest.mark.parametrize(
    ("client_id", "said"),
    [
        pytest.param("4d3c", b'id="client-unknown"', id="registered"),
        pytest.param("https://tv.example/app", b"<strong>tv.example</strong>", id="document"),
    ],
)
def test_person_learns_that_nobody_has_checked_the_application(
    tenant: Tenant, person: Person, client_id: str, said: bytes
) -> None:
    make_policy(tenant, "documents", client_kinds=["dynamic"])
    device = make_device(tenant, client_id, kind="dynamic", is_allowed=False)
    device.begin(scope="openid read")
    assert said in look(person, device).content
