"""The end of sign-ins: what ends with them, and who is to be told."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import OperationalError
from django.db import connection, transaction

from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tests.signed_in import SignedIn, sign_in, tell_at
from tokens import sign_in_ends, tasks
from tokens.errors import InvalidGrant
from tokens.models import LogoutDelivery, Session, SignIn
from tokens.sign_out import sign_out, sign_out_everywhere

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> RelyingParty:
    party = make_party(make_tenant())
    tell_at(party.made.client.pk, "https://app.example/logged-out")
    return party


def end(person: SignedIn, reason: str = "signed_out") -> bool:
    tenant_id = person.party.tenant.pk
    return sign_out(
        tenant_id, person.authentication.sign_in_id, ended_reason=reason, now=time.time()
    )


def follow(limit: int = 100) -> int:
    return sign_in_ends.follow_cut_offs(now=time.time(), limit=limit)


def test_sign_in_ends_with_its_sessions_in_three_statements(
    party: RelyingParty, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person, other = sign_in(party), sign_in(party)
    for one in (person, other):
        one.tokens("openid")
        one.tokens("openid", "offline_access")
    with django_assert_max_num_queries(4):  # Two, and the savepoint of the test.
        assert end(person)
    ended = Session.objects.filter(ended_at__isnull=False).get()
    assert ended.sign_in_id == person.authentication.sign_in_id
    assert (ended.ended_reason, ended.is_offline) == ("signed_out", False)
    assert SignIn.objects.get(ended_reason="signed_out").pk == person.authentication.sign_in_id
    assert other.is_signed_in


def test_second_end_finds_nothing_and_tells_nobody_twice(party: RelyingParty) -> None:
    person = sign_in(party)
    person.tokens("openid")
    assert [end(person), end(person)] == [True, False]
    assert LogoutDelivery.objects.count() == 1


def test_foreign_tenant_ends_nothing(party: RelyingParty) -> None:
    person = sign_in(party)
    foreign, sign_in_id = make_tenant("initech").pk, person.authentication.sign_in_id
    assert not sign_out(foreign, sign_in_id, ended_reason="x", now=time.time())
    subject_id = party.subject.pk
    assert not sign_out_everywhere(foreign, subject_id, ended_reason="x", now=time.time())
    assert person.is_signed_in


def test_all_browsers_but_one_are_signed_out(party: RelyingParty) -> None:
    kept, *others = (sign_in(party) for _ in range(3))
    stranger = sign_in(make_party(party.tenant, "other-app"))
    values: dict[str, Any] = {"ended_reason": "signed_out", "now": time.time()}
    tenant_id, subject_id = party.tenant.pk, party.subject.pk
    kept_id = kept.authentication.sign_in_id
    assert sign_out_everywhere(tenant_id, subject_id, kept=kept_id, **values) == 2
    assert [one.is_signed_in for one in (kept, stranger, *others)] == [True, True, False, False]
    assert sign_out_everywhere(tenant_id, subject_id, **values) == 1
    assert not kept.is_signed_in


def test_clients_are_told_after_the_commit(
    party: RelyingParty,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr(tasks.deliver_logouts, "delay", sent.append)
    person, silent = sign_in(party), sign_in(party)
    person.tokens("openid")
    with django_capture_on_commit_callbacks(execute=True):
        end(person)
        end(silent)
        assert sent == []
    assert sent == [[str(person.authentication.sign_in_id)]]


def test_logout_works_while_the_task_queue_is_away(
    party: RelyingParty,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: list[str]) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.deliver_logouts, "delay", fail)
    person = sign_in(party)
    person.tokens("openid")
    with django_capture_on_commit_callbacks(execute=True):
        assert end(person)
    assert LogoutDelivery.objects.get().status == LogoutDelivery.Status.PENDING


def test_code_of_somebody_who_signed_out_begins_no_session(party: RelyingParty) -> None:
    person = sign_in(party)
    end(person)
    with pytest.raises(InvalidGrant):
        person.tokens("openid", "offline_access")
    assert not Session.objects.exists()


def test_cut_off_of_a_person_is_followed_up(party: RelyingParty) -> None:
    person, other = sign_in(party), sign_in(make_party(party.tenant, "other-app"))
    person.tokens("openid")
    cut_offs.end(party.tenant.pk, actor=SYSTEM, subject_id=party.subject.pk)
    later = sign_in(party)
    later.tokens("openid")
    assert [follow(), follow()] == [1, 0]
    assert LogoutDelivery.objects.get().sign_in_id == person.authentication.sign_in_id
    assert SignIn.objects.get(ended_reason="cut_off").pk == person.authentication.sign_in_id
    assert later.is_signed_in
    assert other.is_signed_in


@pytest.mark.parametrize("selector", ["client_id", "session_id", "app_subject_id"])
def test_cut_off_of_less_than_a_person_signs_nobody_out(party: RelyingParty, selector: str) -> None:
    person = sign_in(party)
    selectors: dict[str, Any] = {"subject_id": party.subject.pk, selector: party.made.client.pk}
    cut_offs.end(party.tenant.pk, actor=SYSTEM, **selectors)
    assert follow() == 0
    assert person.is_signed_in


def test_follow_up_is_bounded_and_goes_on(party: RelyingParty) -> None:
    for _ in range(3):
        sign_in(party)
    cut_offs.end(party.tenant.pk, actor=SYSTEM, subject_id=party.subject.pk)
    assert [follow(limit=2), follow(limit=2), follow(limit=2)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_session_that_begins_while_the_person_signs_out_ends_as_well(party: RelyingParty) -> None:
    person = sign_in(party)
    ended = threading.Event()

    def sign_out_meanwhile() -> None:
        try:
            end(person)
        finally:
            ended.set()
            connection.close()

    thread = threading.Thread(target=sign_out_meanwhile)
    with transaction.atomic():
        person.tokens("openid")
        thread.start()
        assert not ended.wait(0.3), "the sign-out waits for the session that begins"
    thread.join()
    assert Session.objects.get().ended_reason == "signed_out"
    assert LogoutDelivery.objects.get().sign_in_id == person.authentication.sign_in_id
