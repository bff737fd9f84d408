"""Support sees where a person is signed in, how surely they were recognised, and signs them out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tenants.models import AuditEvent, CutOff, Membership
from tests.admin.operators import sign_in as sign_operator_in
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tests.signed_in import SignedIn, sign_in
from tokens.models import Session, SignIn
from tokens.sign_out import sign_out

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from tests.admin.operators import OperatorBrowser

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> RelyingParty:
    return make_party(make_tenant())


@pytest.fixture
def person(party: RelyingParty) -> SignedIn:
    """Somebody with a session and with offline access."""
    signed_in = sign_in(party)
    signed_in.tokens("openid")
    signed_in.tokens("openid", "offline_access")
    return signed_in


@pytest.fixture
def support(party: RelyingParty) -> OperatorBrowser:
    return sign_operator_in("support", (party.tenant, Membership.Role.SUPPORT))


def page_of(name: str, person: SignedIn) -> str:
    return reverse(f"admin:sign_in_{name}", args=[person.authentication.sign_in_id])


def subjects_list(party: RelyingParty) -> str:
    return f"{reverse('admin:sessions_and_tokens')}?subject={party.subject.pk}"


def test_session_shows_the_sign_in_with_which_it_began(
    person: SignedIn, support: OperatorBrowser
) -> None:
    row = Session.objects.order_by("pk")[0]
    shown = support.get(reverse("admin:session_detail", args=[row.pk])).content.decode()
    for fact in (person.authentication.acr, "pwd", "203.0.113.7", "a browser"):
        assert fact in shown
    assert page_of("detail", person) in shown


def test_list_of_a_subject_shows_its_sign_ins_and_leads_to_their_end(
    party: RelyingParty, person: SignedIn, support: OperatorBrowser
) -> None:
    other = sign_in(party)
    sign_out(
        party.tenant.pk,
        other.authentication.sign_in_id,
        ended_reason="signed_out",
        now=time.time(),
    )
    page = support.get(subjects_list(party))
    states = {row.id: row.death for row in page.context["sign_ins"]}
    assert states == {
        person.authentication.sign_in_id: "",
        other.authentication.sign_in_id: "signed_out",
    }
    shown = page.content.decode()
    assert page_of("detail", person) in shown
    assert person.authentication.acr in shown
    add = f"{reverse('admin:tenants_cutoff_add')}?tenant={party.tenant.pk}"
    form = support.get(f"{add}&subject_id={party.subject.pk}")
    assert str(party.subject.pk) in form.content.decode()


def test_reading_sign_ins_costs_one_statement(
    party: RelyingParty,
    support: OperatorBrowser,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    support.get(subjects_list(party))
    for _ in range(3):
        sign_in(party)
    with django_assert_max_num_queries(22):
        support.get(subjects_list(party))


def has_signed_in(person: SignedIn) -> bool:
    return person.is_signed_in


def test_support_signs_a_person_out_with_a_reason(
    person: SignedIn, support: OperatorBrowser
) -> None:
    assert page_of("end", person) in support.get(page_of("detail", person)).content.decode()
    asked = support.get(page_of("end", person))
    assert str(person.party.subject.pk) in asked.content.decode()
    assert support.post(page_of("end", person), {"reason": ""}).status_code == 200
    assert has_signed_in(person)
    done = support.post(page_of("end", person), {"reason": "T-1"})
    assert done["Location"] == page_of("detail", person)
    assert not has_signed_in(person)
    alive = Session.objects.filter(ended_at=None)
    assert [session.is_offline for session in alive] == [True]
    event = AuditEvent.objects.get(event="sign_in.ended")
    assert (event.entity_kind, event.actor_kind) == ("sign_in", "operator")
    shown = support.get(page_of("detail", person)).content.decode()
    assert "T-1" in shown
    assert page_of("end", person) not in shown
    support.post(page_of("end", person), {"reason": "T-2"})
    assert AuditEvent.objects.filter(event="sign_in.ended").count() == 1


def test_everything_of_a_subject_ends_by_a_cut_off(
    party: RelyingParty, person: SignedIn, support: OperatorBrowser
) -> None:
    values = {"tenant": party.tenant.pk, "subject_id": party.subject.pk, "reason": "T-3"}
    support.post(f"{reverse('admin:tenants_cutoff_add')}?tenant={party.tenant.pk}", values)
    assert CutOff.objects.get().subject_id == party.subject.pk
    assert not person.is_signed_in
    page = support.get(subjects_list(party))
    assert [row.death for row in page.context["sign_ins"]] == ["cut_off"]


def test_operator_of_another_tenant_finds_no_sign_in(person: SignedIn) -> None:
    stranger = sign_operator_in("stranger", (make_tenant("initech"), Membership.Role.OWNER))
    for name in ("detail", "end"):
        assert stranger.get(page_of(name, person)).status_code == 404
    assert stranger.post(page_of("end", person), {"reason": "T-4"}).status_code == 404
    assert person.is_signed_in


@pytest.mark.parametrize(
    ("role", "sees", "ends"),
    [
        ("owner", 200, 200),
        ("support", 200, 200),
        ("auditor", 200, 403),
        ("client_manager", 403, 403),
    ],
)
def test_role_decides_who_sees_and_who_ends(
    person: SignedIn, role: str, sees: int, ends: int
) -> None:
    operator = sign_operator_in(role, (person.party.tenant, Membership.Role(role)))
    assert operator.get(page_of("detail", person)).status_code == sees
    assert operator.get(page_of("end", person)).status_code == ends


def test_sign_in_that_was_idle_too_long_is_shown_as_over(
    person: SignedIn, support: OperatorBrowser
) -> None:
    SignIn.objects.update(last_used_at="2026-01-01T00:00:00Z")
    shown = support.get(page_of("detail", person)).content.decode()
    assert "idle" in shown
    assert page_of("end", person) not in shown
