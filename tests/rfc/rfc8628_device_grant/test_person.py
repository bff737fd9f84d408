"""RFC 8628 section 3.3: the person types the code, compares, and decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tenants.models import AccessPolicy, Scope, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tests.browser_person import Person
from tests.devices import allow, look, make_device, make_person
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_api
from tokens.models import Consent, Refusal, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api
    from tests.devices import Device

WRONG = "No device waits with this code"


def text_of(page: HttpResponse) -> str:
    return page.content.decode()


@pytest.mark.requirement("RFC 8628", "3.3", "The person signs in, and comes back to the code.")
def test_stranger_signs_in_first_and_keeps_the_code(device: Device) -> None:
    make_subject_with_password(device.tenant, "bo@example.org")
    person = Person(device.tenant)
    page = person.open(f"/device?user_code={device.code}")
    assert "/sign-in?request=" in person.address
    page = person.prove(page, "bo@example.org")
    assert person.address == f"{person.issuer}/device?user_code={device.code}"
    assert device.code in text_of(page)
    person.submit(page, "device-form", decision="allow")
    assert device.poll().status_code == 200


def test_stranger_without_a_code_signs_in_and_types_it(device: Device) -> None:
    make_subject_with_password(device.tenant, "bo@example.org")
    person = Person(device.tenant)
    page = person.prove(person.open("/device"), "bo@example.org")
    page = person.submit(page, "device-form", user_code=device.code)
    person.submit(page, "device-form", decision="allow")
    assert device.poll().status_code == 200


@pytest.mark.requirement("RFC 8628", "6.1", "Case and punctuation make no difference.")
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(str.lower, id="lower case"),
        pytest.param(lambda code: code.replace("-", ""), id="no dash"),
        pytest.param(lambda code: f"  {code.replace('-', ' ')} ", id="spaces"),
        pytest.param(lambda code: " - ".join(code.replace("-", "")), id="spelled"),
        pytest.param(lambda code: f"\u201c{code}\u201d.", id="quoted"),
    ],
)
def test_code_is_read_however_it_is_typed(device: Device, person: Person, form: object) -> None:
    typed = form(device.code)  # type: ignore[operator]  # one of the functions above.
    page = person.submit(person.open("/device"), "device-form", user_code=typed)
    assert f">{device.code}<" in text_of(page)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("BCDF-GHJK", id="nobody's"),
        pytest.param("", id="empty"),
        pytest.param("BCDF", id="short"),
        pytest.param("BCDFGHJKL", id="long"),
        pytest.param("\x00" * 8, id="NUL"),
        pytest.param("'; DROP TABLE tokens_devicecode; --", id="SQL"),
        pytest.param("<script>alert(1)</script>", id="markup"),
        pytest.param("%zz%zz", id="percent"),
        pytest.param("B" * 5_000, id="huge"),
        pytest.param("\U0001f600" * 8, id="no letters"),
    ],
)
def test_wrong_codes_show_the_form_again(person: Person, device: Device, typed: str) -> None:
    page = person.submit(person.open("/device"), "device-form", user_code=typed)
    assert page.status_code == (400 if typed else 200)
    assert (WRONG in text_of(page)) is bool(typed)
    assert "<script>" not in text_of(page)
    assert device.code not in text_of(page)


@pytest.mark.requirement("RFC 8628", "3.3.1", "The whole address still shows the code.")
@pytest.mark.requirement("RFC 8628", "5.4", "The person is warned of remote phishing.")
def test_person_sees_who_asks_from_where_for_what(person: Person, device: Device) -> None:
    page = person.open(f"/device?user_code={device.code}")
    shown = text_of(page)
    for part in (
        *("Living room TV", f">{device.code}<", "203.0.113.9", "TV/1.0"),
        *("less than a minute ago", "Did somebody send you this code or link?"),
        *("Know who you are", "Ana Silva"),
    ):
        assert part in shown
    assert "no-store" in page.headers["Cache-Control"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert device.row.status == "pending"
    device.wait(150)
    assert "2 minutes ago" in text_of(look(person, device))


def test_what_the_device_says_of_itself_is_only_text(person: Person, device: Device) -> None:
    row = device.row
    row.user_agent = "<b>Your bank</b>"
    row.save()
    assert "&lt;b&gt;Your bank&lt;/b&gt;" in text_of(look(person, device))


def test_approval_names_the_person_and_their_sign_in(person: Person, device: Device) -> None:
    allow(person, device)
    row, sign_in = device.row, SignIn.objects.get()
    assert (row.status, row.subject_id, row.sign_in_id) == (
        "approved",
        Subject.objects.get().pk,
        sign_in.pk,
    )
    assert (row.acr, row.amr) == (sign_in.acr, sign_in.amr)
    assert row.authenticated_at is not None
    assert abs((row.authenticated_at - sign_in.authenticated_at).total_seconds()) <= 1


def test_person_may_leave_scopes_out(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder")
    device.begin(scope="openid read write")
    form = person.form(look(person, device))
    assert form.choices["granted"] == ["openid", "read", "write"]
    assert form.fields["granted"] == ["read", "write"]
    allow(person, device, granted=["write"])
    assert device.poll().json()["scope"] == "openid write"


def test_scopes_that_were_not_asked_for_are_not_granted(person: Person, device: Device) -> None:
    allow(person, device, granted=["read", "write", "offline_access", "x" * 1_000, "\x00"])
    assert device.poll().json()["scope"] == "openid read"


def test_required_scopes_stay_and_emphasized_come_first(api: Api, person: Person) -> None:
    changed: dict[str, dict[str, object]] = {
        "write": {"emphasized": True, "title": "Change your orders"},
        "read": {"is_required": True},
    }
    for name, fields in changed.items():
        scope = Scope.objects.get(tenant=api.tenant, name=name)
        for field, value in fields.items():
            setattr(scope, field, value)
        changes.save(scope, actor=SYSTEM)
    device = make_device(api.tenant, "recorder")
    device.begin(scope="read write")
    page = look(person, device)
    assert person.form(page).choices["granted"] == ["write", "read"]
    assert "Change your orders" in text_of(page)
    allow(person, device, granted=[])
    assert device.poll().json()["scope"] == "read"


def test_leaving_everything_out_is_a_no(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder")
    device.begin(scope="read write")
    assert "Not connected" in text_of(allow(person, device, granted=[]))
    assert device.poll().json()["error"] == "access_denied"


def test_an_api_of_which_nothing_is_left_is_left_out(api: Api, person: Person) -> None:
    stock = make_api(api.tenant, "stock", scopes=["count"])
    device = make_device(api.tenant, "scanner", scopes=["read", "count"])
    device.begin(scope="read count", resource=[api.audience, stock.audience])
    allow(person, device, granted=["count"])
    assert device.row.audiences == [stock.audience]
    assert device.poll().json()["scope"] == "count"


def test_agreement_is_asked_for_each_time(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder", skip_authorization=True)
    for _ in range(2):
        device.begin(scope="read")
        assert "It asks for this" in text_of(look(person, device))
        allow(person, device)
        assert device.poll().status_code == 200
    assert not Consent.objects.exists()


def test_code_can_be_decided_only_once(person: Person, device: Device) -> None:
    first = look(person, device)
    person.submit(first, "device-form", decision="allow")
    for decision in ("allow", "deny"):
        page = person.post(
            "/device", {**person.form(first).fields, "user_code": device.code, "decision": decision}
        )
        assert page.status_code == 400
        assert WRONG in text_of(page)
    assert device.row.status == "approved"


def test_policy_that_denies_the_person_refuses_before_they_agree(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder")
    policy = AccessPolicy(tenant=api.tenant, slug="not-ana", effect="deny")
    changes.save(policy, actor=SYSTEM, links={"subjects": [Subject.objects.get()]})
    device.begin(scope="read")
    page = look(person, device)
    assert page.status_code == 403
    assert "This device can&#x27;t be connected" in text_of(page)
    refusal = Refusal.objects.get()
    assert (refusal.reason, refusal.operation) == ("policy_denied", "authorize")
    assert refusal.request_id == page.headers["X-Request-Id"]
    assert device.row.status == "pending"
    allow(make_person(api.tenant, "bo@example.org"), device)
    assert device.poll().status_code == 200


def test_scope_that_needs_a_safer_sign_in_leads_to_one(api: Api, person: Person) -> None:
    scope = Scope.objects.get(tenant=api.tenant, name="write")
    scope.min_acr = "phr"
    changes.save(scope, actor=SYSTEM)
    device = make_device(api.tenant, "recorder")
    device.begin(scope="read write")
    page = look(person, device)
    assert page.status_code == 403
    assert "needs a safer sign-in" in text_of(page)
    assert "/sign-in?request=" in text_of(page)
    SignIn.objects.update(acr="phr", amr=["hwk", "user"])
    allow(person, device)
    assert device.poll().json()["scope"] == "read write"


def test_person_may_change_the_account(device: Device, person: Person) -> None:
    make_subject_with_password(device.tenant, "bo@example.org", name="Bo Berg")
    page = look(person, device)
    link = re.search(r'id="other-account"\s+href="([^"]+)"', text_of(page))
    assert link is not None
    page = person.prove(person.open(link[1]), "bo@example.org")
    assert "Bo Berg" in text_of(page)
    person.submit(page, "device-form", decision="allow")
    assert device.row.subject_id == Subject.objects.get(email="bo@example.org").pk


def test_client_that_is_switched_off_waits_no_more(device: Device, person: Person) -> None:
    client = device.made.client
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    assert WRONG in text_of(look(person, device))
