"""What a person agrees to, scope by scope, and what is remembered of it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from tenants import snapshot
from tenants.models import AccessPolicy, Client, Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.code_flow import CodeFlow, answer_of, make_flow, person_of
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import find_scopes
from tokens import consents, retried_requests
from tokens.models import AuthorizationCode, Consent, Refusal, Session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db
ALL = "openid read write offline_access"
DAY = 86_400


@pytest.fixture
def flow() -> CodeFlow:
    """A person who is signed in and has agreed to nothing."""
    made = make_flow()
    made.sign_in()
    return made


def change_scope(flow: CodeFlow, name: str, **fields: object) -> None:
    scope = Scope.objects.get(tenant=flow.tenant, name=name)
    for field, value in fields.items():
        setattr(scope, field, value)
    changes.save(scope, actor=SYSTEM)


def change_client(flow: CodeFlow, **fields: object) -> None:
    for field, value in fields.items():
        setattr(flow.client.client, field, value)
    changes.save(flow.client.client, actor=SYSTEM)


def asked_scopes(page: HttpResponse) -> list[str]:
    return re.findall(r'name="granted"\s+value="([^"]+)"', page.content.decode())


def test_page_names_the_application_the_person_and_each_scope(flow: CodeFlow) -> None:
    change_client(flow, client_uri="https://app.example/", policy_uri="https://app.example/p")
    change_scope(flow, "read", title="Read your orders", description="All of them.")
    page = flow.ask().content.decode()
    for text in ("The web app", "Ana Silva", "Read your orders", "All of them.", "app.example"):
        assert text in page
    assert 'href="https://app.example/p"' in page
    assert page.count("<h1") == 1
    assert '<html lang="en">' in page


def test_texts_are_shown_as_text(flow: CodeFlow) -> None:
    change_client(flow, name="<script>alert(1)</script>")
    change_scope(flow, "read", title="<b>x</b>", description="{{ 7 }}")
    page = flow.ask().content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page


def test_scopes_speak_the_language_of_the_person(flow: CodeFlow) -> None:
    change_scope(
        flow, "read", title="Read orders", translations={"de": {"title": "Bestellungen lesen"}}
    )
    assert "Bestellungen lesen" in flow.ask(ui_locales="de").content.decode()
    assert "Read orders" in flow.ask(ui_locales="en").content.decode()


def test_emphasized_scope_comes_first_and_required_one_can_not_be_left_out(flow: CodeFlow) -> None:
    change_scope(flow, "write", emphasized=True)
    change_scope(flow, "read", is_required=True)
    page = flow.ask(scope="openid read write")
    assert asked_scopes(page) == ["write", "openid", "read"]
    text = page.content.decode()
    assert text.count("disabled") == 2
    assert text.count("Required.") == 2
    assert "Look closely." in text
    answer = flow.agree(page, granted=[])
    tokens = flow.redeem(answer_of(answer)["code"]).json()
    assert tokens["scope"] == "openid read"


def test_what_is_not_ticked_is_not_granted_and_asked_for_again(flow: CodeFlow) -> None:
    answer = flow.agree(flow.ask(scope=ALL), granted=["read"])
    tokens = flow.redeem(answer_of(answer)["code"]).json()
    assert tokens["scope"] == "openid read"
    assert "refresh_token" not in tokens
    again = flow.ask(scope=ALL)
    assert asked_scopes(again) == ["offline_access", "write"]
    assert "You agreed to this before" in again.content.decode()


def test_scope_that_was_never_asked_for_can_not_be_ticked(flow: CodeFlow) -> None:
    page = flow.ask(scope="openid read")
    code = answer_of(flow.agree(page, granted=["read", "write", "management:users:write"]))["code"]
    assert flow.redeem(code).json()["scope"] == "openid read"
    assert set(Consent.objects.get().scopes) == {"openid", "read"}


def test_nobody_agrees_to_what_they_have_not_seen(flow: CodeFlow) -> None:
    flow.agree(flow.ask(scope="openid read"))
    page = flow.ask(scope="openid read write")
    client, person = flow.client.client, person_of(flow)
    consents.withdraw(flow.tenant.pk, person.pk, [client.pk], actor=SYSTEM)
    again = flow.agree(page)
    assert asked_scopes(again) == ["openid", "read", "write"]
    assert not Consent.objects.exists()
    code = answer_of(flow.agree(again))["code"]
    assert flow.redeem(code).json()["scope"] == "openid read write"


def test_only_what_is_new_is_asked_for(flow: CodeFlow) -> None:
    flow.agree(flow.ask(scope="openid read"))
    assert "code" in answer_of(flow.ask(scope="openid"))
    assert asked_scopes(flow.ask(scope="openid read write")) == ["write"]


def test_another_scope_of_the_same_name_is_another_right(flow: CodeFlow) -> None:
    flow.agree(flow.ask(scope="openid read write"))
    old = Scope.objects.get(tenant=flow.tenant, name="write")
    new = Scope(tenant=flow.tenant, api=old.api, name="write", title="Delete everything")
    changes.delete(old, actor=SYSTEM)
    changes.save(new, actor=SYSTEM)
    client = Client.objects.get(pk=flow.client.client.pk)
    held = ["openid", "read", "write", "offline_access"]
    changes.save(client, actor=SYSTEM, links={"scopes": find_scopes(flow.tenant, held)})
    assert asked_scopes(flow.ask(scope="openid read write")) == ["write"]


def test_prompt_consent_takes_back_what_is_not_ticked_any_more(flow: CodeFlow) -> None:
    flow.agree(flow.ask(scope="openid read write"))
    page = flow.ask(scope="openid read", prompt="consent")
    assert asked_scopes(page) == ["openid", "read"]
    flow.agree(page, granted=[])
    assert set(Consent.objects.get().scopes) == {"openid", "write"}


def test_nothing_ticked_is_the_same_as_no(flow: CodeFlow) -> None:
    page = flow.ask(scope="read write")
    assert answer_of(flow.agree(page, granted=[]))["error"] == "access_denied"
    assert not Consent.objects.exists()


@pytest.mark.parametrize("decision", ["deny", "", "x", "\x00"])
def test_no_is_told_to_the_application(flow: CodeFlow, decision: str) -> None:
    page = flow.ask()
    answer = answer_of(flow.person.submit(page, "consent-form", decision=decision))
    assert (answer["error"], answer["state"]) == ("access_denied", "a-state")
    assert not AuthorizationCode.objects.exists()
    assert not Consent.objects.exists()


def test_no_counts_although_the_person_agreed_in_another_window_meanwhile(flow: CodeFlow) -> None:
    page = flow.ask()
    address, fields = flow.person.address, flow.person.form(page).fields
    flow.agree(page)
    answer = flow.person.post(address, {**fields, "decision": "deny"})
    assert answer_of(answer)["error"] == "access_denied"
    assert AuthorizationCode.objects.count() == 1


def test_confirming_renews_no_consent(flow: CodeFlow) -> None:
    flow.agree(flow.ask())
    before = Consent.objects.get()
    assert "code" in answer_of(flow.agree(flow.ask(prompt="select_account")))
    assert Consent.objects.get().expires_at == before.expires_at


def test_consent_is_remembered_as_long_as_the_tenant_says(flow: CodeFlow) -> None:
    flow.tenant.consent_lifetime_seconds = 3 * DAY
    update_tenant(flow.tenant, actor=SYSTEM)
    flow.agree(flow.ask())
    consent = Consent.objects.get()
    assert (consent.expires_at - consent.granted_at).total_seconds() == 3 * DAY


def test_consent_is_the_persons_and_the_clients_own(flow: CodeFlow) -> None:
    flow.agree(flow.ask())
    make_subject_with_password(flow.tenant, "bo@example.org", name="Bo")
    flow.sign_in("bo@example.org")
    assert asked_scopes(flow.ask()) == ["openid", "read"]


def test_first_party_application_is_asked_nothing_unless_it_wants(flow: CodeFlow) -> None:
    change_client(flow, skip_authorization=True)
    assert "code" in answer_of(flow.ask(scope=ALL))
    assert "code" in answer_of(flow.ask(scope=ALL, prompt="none"))
    assert not Consent.objects.exists()
    assert asked_scopes(flow.ask(prompt="consent")) == ["openid", "read"]


def test_person_chooses_how_long_offline_access_lasts(flow: CodeFlow) -> None:
    change_client(flow, offline_lifetimes_seconds=[30 * DAY, DAY, 3600])
    change_client(flow, refresh_token_lifetime_seconds=7 * DAY)
    page = flow.ask(scope=ALL)
    text = page.content.decode()
    assert re.findall(r'<option value="(\d+)">([^<]+)<', text) == [
        ("3600", "1 hour"),
        (str(DAY), "1 day"),
        (str(7 * DAY), "7 days"),
    ]
    code = answer_of(flow.agree(page, offline_seconds=str(DAY)))["code"]
    assert "refresh_token" in flow.redeem(code).json()
    session = Session.objects.get()
    assert (session.expires_at - session.started_at).total_seconds() == pytest.approx(DAY, abs=5)


def test_choice_of_offline_access_is_asked_for_each_time(flow: CodeFlow) -> None:
    change_client(flow, offline_lifetimes_seconds=[DAY])
    flow.agree(flow.ask(scope=ALL))
    assert asked_scopes(flow.ask(scope=ALL)) == ["offline_access"]
    assert "code" in answer_of(flow.ask(scope="openid read"))


@pytest.mark.parametrize("chosen", ["", "999999999", "-1", "x", None])
def test_lifetime_that_was_not_offered_is_the_shortest(flow: CodeFlow, chosen: str | None) -> None:
    change_client(flow, offline_lifetimes_seconds=[DAY, 3600])
    flow.agree(flow.ask(scope=ALL), offline_seconds=chosen)
    assert AuthorizationCode.objects.get().offline_lifetime_seconds == 3600


def test_lifetime_says_nothing_where_offline_access_is_refused(flow: CodeFlow) -> None:
    change_client(flow, offline_lifetimes_seconds=[3600])
    flow.agree(flow.ask(scope=ALL), granted=["read"])
    assert AuthorizationCode.objects.get().offline_lifetime_seconds is None


def test_withdrawn_consent_ends_everything_and_is_asked_for_anew(flow: CodeFlow) -> None:
    tokens = flow.tokens(scope=ALL)
    subject = person_of(flow)
    found = consents.list_consents(flow.tenant.pk, subject.pk, now=2e8)
    assert [consent.client.client_id for consent in found] == ["web-app"]
    pending = flow.code(scope="openid")
    clients = [consent.client_id for consent in found]
    consents.withdraw(flow.tenant.pk, subject.pk, clients, actor=SYSTEM)
    refreshed = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    assert flow.redeem(pending).json()["error"] == "invalid_grant"
    assert asked_scopes(flow.ask()) == ["openid", "read"]


def test_refusal_is_recorded_and_explained(flow: CodeFlow) -> None:
    answer = flow.ask(scope="openid nothing")
    refusal = Refusal.objects.get(reason="scope_unknown")
    assert (refusal.operation, refusal.grant_type) == ("authorize", "authorization_code")
    assert refusal.client_id == flow.client.client.pk
    assert refusal.request_id == answer.headers["X-Request-Id"]
    names = [check["name"] for check in refusal.trace["checks"]]
    assert names[-1] == "scope_known_and_allowed"


def test_refusal_is_explained_on_the_command_line_and_tried_again(
    flow: CodeFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = AccessPolicy(tenant=flow.tenant, slug="no-writers", effect="deny")
    changes.save(policy, actor=SYSTEM, links={"scopes": find_scopes(flow.tenant, ["write"])})
    answer = flow.ask(scope="openid write")
    assert answer_of(answer)["error"] == "invalid_scope"
    request_id = answer.headers["X-Request-Id"]
    call_command("explain", tenant=flow.tenant.path, request_id=request_id)
    shown = capsys.readouterr().out
    assert "policy_denied_scope" in shown
    assert "authorize" in shown
    core = snapshot.CURRENT.tenant(flow.tenant.path)
    assert core is not None
    again = retried_requests.find_refused_request(core, request_id, {})
    assert again is not None
    assert again.requested_scopes == ("openid", "write")
    assert again.subject is not None
    assert again.subject.id == person_of(flow).pk


def test_denial_of_the_person_is_recorded_as_such(flow: CodeFlow) -> None:
    flow.person.submit(flow.ask(), "consent-form", decision="deny")
    refusal = Refusal.objects.get()
    assert refusal.error == "access_denied"
    assert [check["name"] for check in refusal.trace["checks"]] == ["person_agreed"]


def test_another_account_leads_back_to_the_same_request(flow: CodeFlow) -> None:
    make_subject_with_password(flow.tenant, "bo@example.org", name="Bo")
    text = flow.ask(state="kept").content.decode()
    found = re.search(r'id="other-account"\s+href="([^"]+)"', text)
    assert found
    page = flow.person.prove(flow.person.open(html.unescape(found[1])), "bo@example.org")
    answer = answer_of(flow.agree(page))
    assert answer["state"] == "kept"


def test_consent_page_answers_at_once_where_nothing_is_left_to_ask(flow: CodeFlow) -> None:
    """Whoever goes back in their browser's history is sent on."""
    page = flow.ask()
    address = flow.person.address
    flow.agree(page)
    assert "code" in answer_of(flow.person.open(address))


def test_scopes_may_be_asked_for_by_their_title(flow: CodeFlow) -> None:
    change_scope(flow, "read", title="plan")
    change_scope(flow, "write", title="plan")
    assert flow.tokens(scope="openid plan")["scope"] == "openid read write"


def test_name_of_a_scope_comes_before_the_title_of_another(flow: CodeFlow) -> None:
    change_scope(flow, "write", title="read")
    assert flow.tokens(scope="openid read")["scope"] == "openid read"


def test_code_costs_few_statements(
    flow: CodeFlow, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    flow.agree(flow.ask())
    with django_assert_max_num_queries(8):
        assert "code" in answer_of(flow.ask())


def test_page_without_a_request_says_so(flow: CodeFlow) -> None:
    assert flow.person.open("/consent").status_code == 400
