"""How many sessions a person may have with a client: exact, however many begin at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tenants import snapshot
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tokens import session_limits, sessions
from tokens.errors import InvalidGrant, SessionLimitReached
from tokens.models import AuthorizationCode, Session

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from tenants.records import ClientRecord

pytestmark = pytest.mark.django_db

MANY = 20


def make_limited(
    most: int | None, *, on_limit: str = "refuse", client_id: str = "app"
) -> RelyingParty:
    tenant = make_tenant(f"globex-{client_id}")
    return make_party(tenant, client_id, max_sessions=most, on_session_limit=on_limit)


def living(party: RelyingParty) -> list[Session]:
    rows = Session.objects.filter(subject=party.subject, ended_at=None)
    return list(rows.order_by("started_at", "pk"))


def client_of(party: RelyingParty) -> ClientRecord:
    client = snapshot.CURRENT.client(party.core, party.made.client_id)
    assert client is not None
    return client


def is_reached(party: RelyingParty) -> bool:
    return session_limits.is_reached(
        party.tenant.pk, party.subject.pk, client_of(party), now=time.time()
    )


def begin_at_once(party: RelyingParty, count: int = MANY) -> list[str]:
    """Begin sessions from as many threads; answer how each went."""
    authentication = party.recognise()

    def begin(_: int) -> str:
        try:
            party.begin("openid", authentication=authentication)
        except SessionLimitReached:
            return "refused"
        else:
            return "begun"
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(begin, range(count)))


def test_one_more_is_refused_and_its_code_still_works_later() -> None:
    party = make_limited(2)
    party.begin("openid")
    assert not is_reached(party)
    party.begin("openid")
    assert is_reached(party)
    with pytest.raises(SessionLimitReached) as refused:
        party.begin("openid")
    assert (refused.value.error, refused.value.reason) == ("access_denied", "session_limit_reached")
    assert len(living(party)) == 2
    assert AuthorizationCode.objects.filter(used_at=None).count() == 1


def test_room_comes_back_when_a_session_ends_expires_or_is_cut_off() -> None:
    party = make_limited(1)
    party.begin("openid")
    sessions.end_session(party.tenant.pk, living(party)[0].pk, ended_reason="signed_out")
    party.begin("openid", now=time.time() - 100_000)
    party.begin("openid")
    assert is_reached(party)
    cut_offs.end(
        party.tenant.pk, actor=SYSTEM, subject_id=party.subject.pk, client_id=party.made.client.pk
    )
    assert not is_reached(party)


def test_oldest_ends_where_the_client_wants_that() -> None:
    party = make_limited(2, on_limit="end_oldest")
    now = time.time()
    for age in (30, 20, 10, 0):
        assert not is_reached(party)
        party.begin("openid", now=now - age)
    ended = Session.objects.exclude(ended_at=None).order_by("started_at")
    assert [row.ended_reason for row in ended] == ["session_limit", "session_limit"]
    assert max(row.started_at for row in ended) < min(row.started_at for row in living(party))


def test_lowered_limit_ends_all_that_are_too_many() -> None:
    party = make_limited(None)
    for _ in range(4):
        party.begin("openid")
    type(party.made.client).objects.filter(pk=party.made.client.pk).update(
        max_sessions=1, on_session_limit="end_oldest"
    )
    snapshot.CURRENT.forget()
    party.begin("openid")
    assert len(living(party)) == 1


def test_other_people_and_other_clients_have_their_own_count() -> None:
    party = make_limited(1)
    party.begin("openid")
    make_party(party.tenant, "other", max_sessions=1, subject=party.subject).begin("openid")
    make_party(party.tenant, "third", max_sessions=1).begin("openid")
    assert is_reached(party)


def test_code_that_is_used_already_ends_no_older_session() -> None:
    party = make_limited(1, on_limit="end_oldest")
    party.begin("openid")
    AuthorizationCode.objects.update(used_at=None)
    kept = living(party)
    authentication = party.recognise()
    asked = party.ask(authentication, "openid")
    assert asked.consumed is not None
    AuthorizationCode.objects.filter(pk=asked.consumed.id).update(used_at="2026-01-01T00:00:00Z")
    with pytest.raises(InvalidGrant):
        party.begin("openid", authentication=authentication, consumed=asked.consumed)
    assert living(party) == kept


def test_unlimited_client_costs_no_statement_more(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    party = make_limited(None)
    client = client_of(party)
    with django_assert_num_queries(0):
        assert not session_limits.is_reached(
            party.tenant.pk, party.subject.pk, client, now=time.time()
        )
        with session_limits.kept(
            party.tenant.pk, party.subject.pk, client, begun=party.tenant.pk, now=time.time()
        ):
            pass


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_many_at_once_exactly_as_many_begin_as_there_is_room() -> None:
    party = make_limited(3)
    assert begin_at_once(party) == ["begun"] * 3 + ["refused"] * (MANY - 3)
    assert len(living(party)) == 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_many_at_once_all_begin_and_as_many_stay_as_there_is_room() -> None:
    party = make_limited(3, on_limit="end_oldest")
    assert begin_at_once(party) == ["begun"] * MANY
    assert len(living(party)) == 3
