"""Attacks on the account page: another person's ids, other sites, hostile input, limits.

Source: RFC 9700 section 4.7, OWASP ASVS 5 V7.4 and V8.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tenants import snapshot
from tenants.models import AuditEvent, Client, CutOff, Passkey, SubjectPassword, User
from tenants.records import SYSTEM
from tenants.services import changes
from tests.browser_person import PASSWORD, Person
from tests.devices import look, make_device
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_flow, person_of
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_tenant
from tokens.models import Consent, Refusal, Session, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db
STRANGER = "eve@example.org"
NEW_PASSWORD = "a bicycle for the moon 7"
# Every page of an account with its form, and what stands in its address.
ACTIONS = (
    "/account/password",
    "/account/passkeys/{passkey}",
    "/account/passkeys/{passkey}/remove",
    "/account/apps/withdraw",
    "/account/apps/{client}/withdraw",
    "/account/sessions/{session}/end",
    "/account/browsers/end",
    "/account/browsers/{browser}/end",
)
NAMED = tuple(path for path in ACTIONS if "{" in path)
HOSTILE = {
    "NUL": "%00",
    "no percent code": "%zz",
    "not UTF-8": "%ff%fe",
    "surrogate": "%ed%a0%80",
    "script": quote("<script>alert(1)</script>", safe=""),
    "long": "x" * 9_000,
    "empty": "",
}


@pytest.fixture
def flow() -> CodeFlow:
    """Ana with a session, a consent, a passkey, in a browser of her own."""
    made = make_flow()
    made.tokens(scope="openid read offline_access")
    changes.save(make_passkey(made), actor=SYSTEM)
    return made


def make_passkey(flow: CodeFlow) -> Passkey:
    return Passkey(
        tenant=flow.tenant,
        subject=person_of(flow),
        credential_id=b"id",
        public_key=b"key",
        label="My key",
    )


def fill(path: str) -> str:
    """Write the address of what is Ana's."""
    return path.format(
        passkey=Passkey.objects.get().pk,
        client=Client.objects.get(client_id="web-app").pk,
        session=Session.objects.get().pk,
        browser=SignIn.objects.get(subject__email=EMAIL).pk,
    )


def state() -> tuple[object, ...]:
    """Answer everything that an attacker might have changed."""
    return (
        list(Passkey.objects.values_list("pk", "label")),
        list(Consent.objects.values_list("pk")),
        list(Session.objects.values_list("pk", "ended_at")),
        list(SignIn.objects.filter(subject__email=EMAIL).values_list("pk", "ended_at")),
        list(SubjectPassword.objects.filter(subject__email=EMAIL).values_list("password_hash")),
        CutOff.objects.count(),
    )


def token_of(person: Person) -> str:
    return person.form(person.open("/account/browsers/end"), "question-form").fields["form_token"][
        0
    ]


def forge(person: Person, path: str, **changes_: object) -> HttpResponse:
    fields = {"label": "Eve's", "current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return person.post(path, {**fields, **changes_}, follows=False)


def stranger_of(flow: CodeFlow) -> Person:
    make_subject_with_password(flow.tenant, STRANGER)
    person = Person(flow.tenant)
    person.sign_in(STRANGER)
    return person


def test_what_is_another_persons_is_not_found(flow: CodeFlow) -> None:
    stranger, before = stranger_of(flow), state()
    token = token_of(stranger)
    for path in NAMED:
        assert stranger.open(fill(path)).status_code == 404, path
        assert forge(stranger, fill(path), form_token=token).status_code == 404, path
    assert state() == before


@pytest.mark.usefixtures("flow")
def test_what_is_another_tenants_is_not_found() -> None:
    elsewhere = make_tenant("initech")
    make_subject_with_password(elsewhere, STRANGER)
    stranger, before = Person(elsewhere), state()
    stranger.sign_in(STRANGER)
    token = token_of(stranger)
    for path in NAMED:
        assert stranger.open(fill(path)).status_code == 404, path
        assert forge(stranger, fill(path), form_token=token).status_code == 404, path
    assert state() == before


def test_a_cookie_of_one_tenant_opens_no_account_of_another(flow: CodeFlow) -> None:
    elsewhere = make_tenant("initech")
    thief = Person(elsewhere)
    for name, morsel in flow.person.http.cookies.items():
        thief.http.cookies[name] = morsel.value
    assert b'id="password-form"' in thief.open("/account").content


def test_a_stranger_is_sent_to_sign_in_and_changes_nothing(flow: CodeFlow) -> None:
    stranger, before = Person(flow.tenant), state()
    token = stranger.form(stranger.open("/sign-in"), "password-form").fields["form_token"][0]
    for path in ACTIONS:
        for page in (
            stranger.open(fill(path), follows=False),
            forge(stranger, fill(path), form_token=token),
        ):
            assert page.status_code == 303
            assert page.headers["Location"].startswith(f"{stranger.issuer}/sign-in?request=")
    assert state() == before


@pytest.mark.parametrize("attack", ["no token", "other browser's token", "other site"])
def test_another_sites_form_changes_nothing(flow: CodeFlow, attack: str) -> None:
    person, before = flow.person, state()
    token = token_of(person)
    if attack == "other site":
        person.http.defaults["HTTP_SEC_FETCH_SITE"] = "cross-site"
    given = {"no token": "", "other site": token}.get(attack, "0" * 64)
    for path in ACTIONS:
        assert forge(person, fill(path), form_token=given).status_code == 403, path
    assert state() == before


def test_a_link_changes_nothing(flow: CodeFlow) -> None:
    before, token = state(), token_of(flow.person)
    for path in ACTIONS:
        flow.person.open(f"{fill(path)}?form_token={token}&label=x&new_password={NEW_PASSWORD}")
    assert state() == before


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_query_and_no_form_breaks_a_page(flow: CodeFlow, text: str) -> None:
    person, token = flow.person, token_of(flow.person)
    for name in ("done", "browsers", "apps", "devices", "sessions", "request"):
        for path in ("/account", fill("/account/apps/{client}")):
            page = person.open(f"{path}?{name}={text}&{name}={text}")
            assert page.status_code == 200
            assert b"<script" not in page.content
    body = "&".join(f"{name}={text}" for name in ("label", "current_password", "new_password"))
    for path in ("/account/password", fill("/account/passkeys/{passkey}")):
        page = person.http.post(
            f"/t/{flow.tenant.path}{path}",
            f"{body}&form_token={token}",
            content_type="application/x-www-form-urlencoded",
        )
        assert page.status_code < 500
    assert SubjectPassword.objects.get().subject_id == person_of(flow).pk


@pytest.mark.parametrize(
    "row", [str(uuid.UUID(int=0)), str(uuid.UUID(int=7)), "x", "%00", "1' OR '1'='1"]
)
def test_what_does_not_exist_is_not_found(flow: CodeFlow, row: str) -> None:
    for kind in ("apps/{}", "apps/{}/withdraw", "sessions/{}/end", "browsers/{}/end"):
        assert flow.person.open(f"/account/{kind.format(row)}").status_code == 404


def test_names_that_others_chose_are_escaped(flow: CodeFlow) -> None:
    script = "<script>alert(1)</script>"
    Client.objects.filter(client_id="web-app").update(name=script)
    Passkey.objects.update(label=script)
    SignIn.objects.update(user_agent=script, address="")
    Session.objects.update(user_agent=script)
    for path in ("/account", "/account/apps/{client}", *NAMED):
        page = flow.person.open(fill(path))
        assert page.status_code == 200
        assert b"<script" not in page.content


def test_an_operators_session_is_no_account(flow: CodeFlow) -> None:
    operator = User.objects.create_superuser("root", password="unused password 7")
    person = Person(flow.tenant)
    person.http.force_login(operator)
    assert b'id="password-form"' in person.open("/account").content


def test_an_account_is_framed_and_stored_by_nobody(flow: CodeFlow) -> None:
    page = flow.person.open("/account")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_the_old_password_can_not_be_guessed(flow: CodeFlow) -> None:
    page = flow.person.open("/account/password")
    codes = [
        flow.person.submit(page, current_password="wrong", new_password=NEW_PASSWORD).status_code
        for _ in range(30)
    ]
    assert codes[0] == 403
    assert codes[-1] == 429
    assert AuditEvent.objects.filter(entity_kind="subject_password").count() <= 1


def test_new_password_gives_the_browser_a_new_cookie(flow: CodeFlow) -> None:
    before = {name: morsel.value for name, morsel in flow.person.http.cookies.items()}
    page = flow.person.open("/account/password")
    flow.person.submit(page, current_password=PASSWORD, new_password=NEW_PASSWORD)
    after = {name: morsel.value for name, morsel in flow.person.http.cookies.items()}
    assert not set(before.values()) & set(after.values())
    assert Session.objects.filter(ended_at=None).count() == 1, "dead by its cut-off"
    assert b"web-app" not in flow.person.open("/account").content


def limit(**fields: object) -> None:
    Client.objects.filter(client_id="web-app").update(**fields)
    snapshot.CURRENT.forget()


def test_one_session_more_than_allowed_is_refused_before_the_person_agrees(flow: CodeFlow) -> None:
    limit(max_sessions=1)
    answer = answer_of(flow.ask(prompt="consent"))
    assert (answer["error"], answer["state"]) == ("access_denied", "a-state")
    assert "end one of them" in answer["error_description"]
    refusal = Refusal.objects.get()
    assert (refusal.reason, refusal.operation) == ("session_limit_reached", "authorize")
    flow.person.submit(flow.person.open(fill("/account/sessions/{session}/end")), "question-form")
    assert "code" in answer_of(flow.ask())


def test_oldest_session_makes_room_where_the_client_wants_that(flow: CodeFlow) -> None:
    limit(max_sessions=1, on_session_limit="end_oldest")
    first = Session.objects.get()
    flow.tokens(scope="openid read")
    first.refresh_from_db()
    assert first.ended_reason == "session_limit"


def test_code_over_the_limit_is_refused_and_can_be_redeemed_once_there_is_room(
    flow: CodeFlow,
) -> None:
    limit(max_sessions=2)
    first, second = flow.code(), flow.code()
    assert flow.redeem(first).status_code == 200
    refused = flow.redeem(second)
    assert (refused.status_code, refused.json()["error"]) == (400, "access_denied")
    Session.objects.order_by("started_at", "pk").update(ended_at="2026-01-01T00:00:00Z")
    assert flow.redeem(second).status_code == 200


def test_person_with_enough_sessions_lets_no_device_in(flow: CodeFlow) -> None:
    device = make_device(flow.tenant, max_sessions=1)
    for _ in range(2):
        device.begin(scope="openid read")
        page = look(flow.person, device)
        if page.status_code == 200:
            flow.person.submit(page, "device-form", decision="allow")
            assert device.poll().status_code == 200
    assert page.status_code == 403
    assert b"Signed in too often" in page.content
    assert Refusal.objects.get().reason == "session_limit_reached"
    assert device.poll().json()["error"] == "authorization_pending"
