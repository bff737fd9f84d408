"""The account page: what a person sees of themselves, and what they end."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import AuditEvent, Passkey, SubjectIdentity, SubjectPassword, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.browser_person import PASSWORD, Person
from tests.devices import allow, make_device
from tests.factories.code_flow import EMAIL, CodeFlow, make_flow, make_web_client, person_of
from tests.factories.people import make_subject
from tests.factories.tenants import make_api, make_client
from tokens.front_channel import account_pages
from tokens.front_channel.user_agents import describe
from tokens.models import Consent, Session, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tests.factories.tenants import MadeClient

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 "
    "Mobile Safari/537.36"
)
NEW_PASSWORD = "a bicycle for the moon 7"
ASKED = "openid read offline_access"


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow(subject={"name": "Ana Silva"})


@pytest.fixture
def gateway(flow: CodeFlow) -> MadeClient:
    made = make_client(flow.tenant, "gateway", is_allowed=False)
    flow.tenant.apis.get(slug="orders").resource_server_clients.add(made.client)
    return made


def text_of(page: HttpResponse) -> str:
    assert page.status_code == 200, page.content.decode()
    return re.sub(r"\s+", " ", page.content.decode())


def confirm(person: Person, address: str) -> HttpResponse:
    """Open a page that asks, and say yes."""
    return person.submit(person.open(address), "question-form")


def link(page: HttpResponse, element: str) -> str:
    """Answer where a link of a page leads."""
    found = re.search(rf'id="{element}"\s+href="([^"]+)"', page.content.decode())
    assert found, f"no link {element} in {page.content.decode()}"
    return found[1]


def other_browser(flow: CodeFlow, user_agent: str = PHONE) -> Person:
    person = Person(flow.tenant, HTTP_USER_AGENT=user_agent)
    person.sign_in(EMAIL)
    return person


def events() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.exclude(actor_kind="system").order_by("sequence")
    return list(rows.values_list("event", "actor_kind", "actor_id"))


def make_passkey(flow: CodeFlow, label: str = "My key") -> Passkey:
    passkey = Passkey(
        tenant=flow.tenant,
        subject=person_of(flow),
        credential_id=label.encode(),
        public_key=b"key",
        label=label,
    )
    changes.save(passkey, actor=SYSTEM)
    return passkey


def test_stranger_signs_in_first_and_comes_back(flow: CodeFlow) -> None:
    page = flow.person.open("/account/browsers/end")
    assert b'id="password-form"' in page.content
    page = flow.person.prove(page, EMAIL)
    assert flow.person.address.endswith("/account/browsers/end")
    assert b'id="question-form"' in page.content


def test_person_sees_what_is_known_of_them(flow: CodeFlow) -> None:
    profile = TrustProfile(
        tenant=flow.tenant,
        slug="campus",
        issuer="https://campus.example",
        audience="us",
        jwks_uri="https://campus.example/jwks",
        algorithms=["ES256"],
        sign_in_label="Campus",
    )
    changes.save(profile, actor=SYSTEM)
    subject = person_of(flow)
    identity = SubjectIdentity(
        tenant=flow.tenant, subject=subject, trust_profile=profile, sub="ana-7"
    )
    changes.save(identity, actor=SYSTEM)
    make_passkey(flow)
    shown = text_of(flow.person.sign_in(EMAIL))
    for known in ("Ana Silva", EMAIL, "confirmed", "Change the password", "My key", "Campus"):
        assert known in shown
    assert "ana-7" not in shown
    assert "No application has access" in shown


def test_person_sees_where_they_are_signed_in_and_signs_out_there(flow: CodeFlow) -> None:
    flow.person.http.defaults["HTTP_USER_AGENT"] = FIREFOX
    other = other_browser(flow)
    page = flow.person.sign_in(EMAIL)
    shown = text_of(page)
    assert "Firefox on Linux" in shown
    assert "Chrome on Android" in shown
    assert shown.count("this browser") == 1
    done = confirm(flow.person, link(page, "end-browser-2"))
    assert "You are signed out there." in text_of(done)
    assert b'id="password-form"' in other.open("/account").content
    assert "Chrome on Android" not in text_of(flow.person.open("/account"))
    assert events() == [("sign_in.ended", "subject", str(person_of(flow).pk))]


def test_person_signs_out_everywhere_else(flow: CodeFlow) -> None:
    others = [other_browser(flow) for _ in range(2)]
    flow.person.sign_in(EMAIL)
    done = confirm(flow.person, "/account/browsers/end")
    assert "signed out everywhere else" in text_of(done)
    assert [b'id="password-form"' in one.open("/account").content for one in others] == [True, True]
    assert SignIn.objects.filter(ended_at=None).count() == 1
    assert events() == [("sign_in.ended_elsewhere", "subject", str(person_of(flow).pk))]
    confirm(flow.person, "/account/browsers/end")
    assert len(events()) == 1


def test_signing_out_of_this_very_browser_leads_to_the_sign_in_page(flow: CodeFlow) -> None:
    flow.person.sign_in(EMAIL)
    page = confirm(flow.person, f"/account/browsers/{SignIn.objects.get().pk}/end")
    assert b'id="password-form"' in page.content


def test_session_ends_with_its_tokens_and_the_other_goes_on(
    flow: CodeFlow, gateway: MadeClient
) -> None:
    tokens, kept = flow.tokens(scope=ASKED), flow.tokens(scope=ASKED)
    session = Session.objects.order_by("pk")[0]
    app = flow.person.open(f"/account/apps/{flow.client.client.pk}")
    assert text_of(app).count("End the session") >= 2
    assert "stays connected until" in text_of(app)
    done = confirm(flow.person, f"/account/sessions/{session.pk}/end")
    assert "That session has ended." in text_of(done)
    active = [
        flow.oauth.introspect(gateway, text["access_token"]).json()["active"]
        for text in (tokens, kept)
    ]
    assert sorted(active) == [False, True]
    assert Session.objects.get(pk=session.pk).ended_reason == "signed_out"
    assert events()[-1] == ("session.ended", "subject", str(person_of(flow).pk))


def test_application_shows_its_scopes_and_loses_everything_when_withdrawn(
    flow: CodeFlow, gateway: MadeClient
) -> None:
    tokens = flow.tokens(scope=ASKED)
    code = flow.code(scope=ASKED)
    page = flow.person.open("/account")
    assert "The web app" in text_of(page)
    app = flow.person.open(link(page, "app-1"))
    assert "Stay connected while you are away" in text_of(app)
    done = confirm(flow.person, link(app, "withdraw"))
    assert "has no access any more" in text_of(done)
    assert "No application has access" in text_of(done)
    inspected = flow.oauth.introspect(gateway, tokens["access_token"])
    assert inspected.json() == {"active": False}
    refreshed = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    assert flow.redeem(code).json()["error"] == "invalid_grant"
    assert not Consent.objects.exists()
    assert events()[-1] == ("cut_off.created", "subject", str(person_of(flow).pk))
    assert b'id="consent-form"' in flow.ask(scope=ASKED).content


def test_all_applications_are_withdrawn_and_the_person_stays_signed_in(flow: CodeFlow) -> None:
    first_party = make_web_client(flow.tenant, "ours", name="Ours", skip_authorization=True)
    second = CodeFlow(flow.tenant, first_party)
    second.person = flow.person
    flow.tokens(scope=ASKED)
    second.tokens(scope="openid")
    shown = text_of(flow.person.open("/account"))
    assert "The web app" in shown
    assert "Ours" in shown
    done = confirm(flow.person, "/account/apps/withdraw")
    assert "No application has access" in text_of(done)
    assert SignIn.objects.get().ended_at is None
    assert not Consent.objects.exists()


def test_consent_without_session_is_an_application_with_access(flow: CodeFlow) -> None:
    flow.code(scope="openid read")
    app = flow.person.open(link(flow.person.open("/account"), "app-1"))
    assert b'id="sessions"' not in app.content


def test_device_is_listed_and_disconnected(flow: CodeFlow) -> None:
    flow.sign_in()
    device = make_device(flow.tenant)
    device.begin(scope="openid read offline_access")
    allow(flow.person, device)
    refresh_token = device.poll().json()["refresh_token"]
    page = flow.person.open("/account")
    assert "Living room TV" in text_of(page)
    assert "Connected devices" in text_of(page)
    confirm(flow.person, link(page, "end-device-1"))
    assert "Connected devices" not in text_of(flow.person.open("/account"))
    refused = device._send(  # noqa: SLF001 - the device's own way to talk.
        "/oauth/token", grant_type="refresh_token", refresh_token=refresh_token
    )
    assert refused.json()["error"] == "invalid_grant"


def test_long_lists_come_in_pages(flow: CodeFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokens.account.PAGE_ROWS", 2)
    for _ in range(2):
        other_browser(flow)
    page = flow.person.sign_in(EMAIL)
    assert text_of(page).count('id="end-browser-') == 1
    assert 'id="more-browsers" href="?browsers=2"' in text_of(page)
    second = text_of(flow.person.open("/account?browsers=2"))
    assert second.count('id="end-browser-') == 1
    assert "more-browsers" not in second
    for number in ("0", "-1", "999", "x", "%00", "99999999999999999999"):
        assert flow.person.open(f"/account?browsers={number}").status_code == 200


def test_password_is_changed_by_whoever_knows_the_old_one(flow: CodeFlow) -> None:
    other = other_browser(flow)
    flow.person.sign_in(EMAIL)
    page = flow.person.open("/account/password")
    wrong = flow.person.submit(page, current_password="wrong", new_password=NEW_PASSWORD)
    assert wrong.status_code == 403
    assert b"not your current password" in wrong.content
    weak = flow.person.submit(wrong, current_password=PASSWORD, new_password="short")
    assert weak.status_code == 422
    assert b'id="password-problems"' in weak.content
    done = flow.person.submit(weak, current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert "Your password is saved." in text_of(done)
    assert b'id="password-form"' in other.open("/account").content
    assert other.sign_in(EMAIL).status_code == 403
    assert other.sign_in(EMAIL, NEW_PASSWORD).status_code == 200


def test_first_password_leaves_the_person_as_surely_recognised_as_before(flow: CodeFlow) -> None:
    flow.person.sign_in(EMAIL)
    SubjectPassword.objects.all().delete()
    SignIn.objects.update(acr="phr", amr=["hwk", "user"])
    assert "Choose a password" in text_of(flow.person.open("/account"))
    page = flow.person.open("/account/password")
    assert b"current_password" not in page.content
    done = flow.person.submit(page, new_password=NEW_PASSWORD)
    assert "Change the password" in text_of(done)
    assert SignIn.objects.get(ended_at=None).acr == "phr"


def test_password_is_not_offered_where_the_tenant_allows_none() -> None:
    flow = make_flow()
    flow.sign_in()
    flow.tenant.allow_password_sign_in = False
    update_tenant(flow.tenant, actor=SYSTEM)
    assert b"password" not in flow.person.open("/account").content.lower()
    assert flow.person.open("/account/password").status_code == 404


def test_passkey_is_renamed_and_removed(flow: CodeFlow) -> None:
    passkey = make_passkey(flow)
    page = flow.person.sign_in(EMAIL)
    form = flow.person.open(f"/account/passkeys/{passkey.pk}")
    assert 'value="My key"' in text_of(form)
    for hostile in ("", "   ", "a\x00b", "x" * 101):
        assert flow.person.submit(form, label=hostile).status_code == 422
    done = flow.person.submit(form, label="Blue key")
    assert "Blue key" in text_of(done)
    page = confirm(flow.person, f"/account/passkeys/{passkey.pk}/remove")
    assert "The passkey is removed." in text_of(page)
    assert not Passkey.objects.exists()
    subject_id = str(person_of(flow).pk)
    assert events() == [
        ("passkey.updated", "subject", subject_id),
        ("passkey.deleted", "subject", subject_id),
    ]
    for gone in ("", "/remove"):
        assert flow.person.open(f"/account/passkeys/{passkey.pk}{gone}").status_code == 404


@pytest.mark.parametrize("path", ["password", "passkeys/{passkey}", "passkeys/{passkey}/remove"])
def test_sensitive_page_wants_a_recent_sign_in_and_comes_back(flow: CodeFlow, path: str) -> None:
    address = f"/account/{path.format(passkey=make_passkey(flow).pk)}"
    flow.person.sign_in(EMAIL)
    page = flow.person.open(address)
    assert b'id="password-form"' not in page.content
    long_ago = timezone.now() - timedelta(seconds=account_pages.RECENT_SECONDS + 5)
    SignIn.objects.update(authenticated_at=long_ago)
    sent = flow.person.submit(page, label="x", new_password="x")
    assert b'id="password-form"' in sent.content
    flow.person.prove(sent, EMAIL)
    assert flow.person.address.endswith(address)
    assert Passkey.objects.get().label == "My key"


def test_ending_something_needs_no_recent_sign_in(flow: CodeFlow) -> None:
    flow.person.sign_in(EMAIL)
    SignIn.objects.update(authenticated_at=timezone.now() - timedelta(hours=1))
    assert b'id="question-form"' in flow.person.open("/account/browsers/end").content


def test_account_speaks_the_tenants_words_of_scopes(flow: CodeFlow) -> None:
    make_api(flow.tenant, "mail", scopes=("send",))
    flow.tenant.scopes.filter(name="read").update(
        title="See your orders", emphasized=True, translations={"de": {"title": "Bestellungen"}}
    )
    flow.tokens(scope="openid read")
    address = f"/account/apps/{flow.client.client.pk}"
    assert "See your orders" in text_of(flow.person.open(address))
    flow.person.headers = {"Accept-Language": "de"}
    assert "Bestellungen" in text_of(flow.person.open(address))


@pytest.mark.parametrize(
    ("user_agent", "described"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/141 Safari/537 Edg/141", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("TV/1.0", "TV/1.0"),
        ("x" * 200, "x" * 60),
        ("", "Unknown device"),
    ],
    ids=["firefox", "phone", "edge", "iphone", "other", "long", "none"],
)
def test_user_agent_is_described_as_people_call_it(user_agent: str, described: str) -> None:
    assert describe(user_agent) == described


def test_person_without_verified_address_is_told_so() -> None:
    flow = make_flow(subject={"is_email_verified": False})
    make_subject(flow.tenant, "bo@example.org")
    assert "not confirmed" in text_of(flow.person.sign_in(EMAIL))


def test_account_costs_the_same_statements_however_much_there_is(flow: CodeFlow) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert flow.person.open("/account").status_code == 200
        return len(captured)

    flow.tokens(scope=ASKED)
    flow.person.open("/account")
    before = count()
    make_passkey(flow)
    other_browser(flow)
    for name in ("notes", "calendar"):
        second = CodeFlow(flow.tenant, make_web_client(flow.tenant, name))
        second.person = flow.person
        second.tokens(scope=ASKED)
    assert count() == before
