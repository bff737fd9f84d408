"""The shared store is asked within bounds, and does without an answer."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tenants.records import Rate
from tests.limits import delete_rows
from tests.unit.tokens.limits.test_buckets import Clock
from tokens.limits.keys import (
    HIDDEN,
    MAX_NAME_CHARACTERS,
    Backoff,
    LimitKey,
    LimitKind,
    StoreAway,
    lease_size,
    name_client,
    name_credential,
    name_network,
)
from tokens.limits.rows import LimitRows
from tokens.limits.store import (
    AWAY_SECONDS,
    MAX_FAILURES_PER_SECOND,
    MAX_LEASES_PER_SECOND,
    SharedStore,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = Rate(1_000.0, 1_000)
KEY = LimitKey(LimitKind.CLIENT, uuid.uuid4(), "api-client", "")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(db: None, clock: Clock) -> Iterator[SharedStore]:  # noqa: ARG001 - the database is open.
    made = SharedStore(clock=clock)
    yield made
    made.forget()


def test_it_is_asked_no_more_often_than_it_may_be(shared: SharedStore, clock: Clock) -> None:
    for _ in range(MAX_LEASES_PER_SECOND):
        shared.take(KEY, RATE, used=0, wanted=1)
    with pytest.raises(StoreAway, match="not asked"):
        shared.take(KEY, RATE, used=0, wanted=1)
    clock.now += 1
    shared.take(KEY, RATE, used=0, wanted=1)


def test_a_flood_of_failures_does_not_keep_leases_from_the_store(shared: SharedStore) -> None:
    for _ in range(MAX_FAILURES_PER_SECOND):
        shared.add_failures(KEY, 1, Backoff(5, 600))
    with pytest.raises(StoreAway, match="not asked"):
        shared.add_failures(KEY, 1, Backoff(5, 600))
    with pytest.raises(StoreAway, match="not asked"):
        shared.clear(KEY)
    assert shared.take(KEY, RATE, used=0, wanted=1).granted == 1


@pytest.mark.django_db
def test_a_clock_that_is_set_back_makes_nobody_wait_for_it(clock: Clock) -> None:
    rows = LimitRows(clock)
    assert rows.take(KEY, RATE, used=0, wanted=1_000).granted == 1_000
    clock.now -= 3_600
    assert rows.take(KEY, RATE, used=0, wanted=125).wait_seconds <= 1_001 / RATE.per_second
    delete_rows(rows)
    rows.close()


@pytest.mark.django_db
def test_many_processes_that_report_make_nobody_wait_for_all_of_them(clock: Clock) -> None:
    rows, slow = LimitRows(clock), Rate(1.0, 60)
    leases = [rows.take(KEY, slow, used=3, wanted=3) for _ in range(64)]
    assert sum(lease.granted for lease in leases) <= slow.burst
    assert leases[-1].wait_seconds <= slow.burst + 1
    delete_rows(rows)
    rows.close()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_locked_row_holds_nobody_up(clock: Clock) -> None:
    shared = SharedStore(clock=clock)
    shared.take(KEY, RATE, used=0, wanted=1)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM tokens_limitstate FOR UPDATE")
        try:
            with pytest.raises(StoreAway):
                shared.take(KEY, RATE, used=0, wanted=1)
            with pytest.raises(StoreAway, match="not asked"):
                shared.take(KEY, RATE, used=0, wanted=1)
        finally:
            cursor.execute("ROLLBACK")
    clock.now += AWAY_SECONDS
    assert shared.take(KEY, RATE, used=0, wanted=1).granted == 1
    shared.forget()


@pytest.mark.django_db
def test_a_lease_outlives_the_transaction_of_its_request() -> None:
    rows = LimitRows()
    rows.take(KEY, Rate(0.01, 3), used=0, wanted=3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tokens_limitstate WHERE id = %s", [KEY.id])
        assert cursor.fetchone() == (1,)
    other = LimitRows()
    assert other.take(KEY, Rate(0.01, 3), used=0, wanted=3).granted == 0
    other._run("DELETE FROM tokens_limitstate WHERE id = %(id)s", {"id": KEY.id})  # noqa: SLF001 - its own rows.
    rows.close()
    other.close()


@pytest.mark.parametrize(
    ("rate", "size"),
    [
        pytest.param(Rate(10_000.0, 20_000), 1_250, id="as shipped"),
        pytest.param(Rate(1_000.0, 2_000), 125, id="a busy service"),
        pytest.param(Rate(1.0, 60), 3, id="sixty a minute"),
        pytest.param(Rate(1 / 60, 1), 1, id="one a minute"),
        pytest.param(Rate(5_000.0, 8), 2, id="hardly any burst"),
    ],
)
def test_a_lease_is_a_small_part_of_the_limit(rate: Rate, size: int) -> None:
    assert lease_size(rate) == size


@pytest.mark.parametrize(
    ("address", "network"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("2001:db8::1", "2001:db8::/64", id="IPv6"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="mapped"),
        pytest.param("", "unknown", id="nothing"),
        pytest.param("no address", "unknown", id="nonsense"),
        pytest.param("1" * 10_000, "unknown", id="long nonsense"),
    ],
)
def test_addresses_are_named_by_what_one_caller_has(address: str, network: str) -> None:
    assert name_network(address) == network


@pytest.mark.parametrize(
    "client_id",
    [
        pytest.param("\x00", id="NUL"),
        pytest.param("a\nb", id="line feed"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("\u202e", id="right-to-left override"),
        pytest.param("x" * (MAX_NAME_CHARACTERS + 1), id="long"),
    ],
)
def test_a_name_that_can_not_be_kept_is_hidden(client_id: str) -> None:
    assert name_client(client_id).startswith(HIDDEN)
    assert KEY._replace(name=name_client(client_id)).id


def test_a_client_is_named_as_it_is() -> None:
    longest = "é" * MAX_NAME_CHARACTERS
    assert [name_client(name) for name in ("api client", longest)] == ["api client", longest]


def test_what_was_presented_can_not_be_guessed_back_from_the_store() -> None:
    name = name_credential("password1")
    assert name == name_credential("password1")
    assert hashlib.sha256(b"password1").hexdigest() not in name


def test_keys_differ_in_each_part() -> None:
    tenant = uuid.uuid4()
    keys = [
        LimitKey(LimitKind.CLIENT, tenant, "a", "b"),
        LimitKey(LimitKind.FAILURES, tenant, "a", "b"),
        LimitKey(LimitKind.CLIENT, None, "a", "b"),
        LimitKey(LimitKind.CLIENT, tenant, "ab", ""),
        LimitKey(LimitKind.CLIENT, tenant, "", "ab"),
        LimitKey(LimitKind.CLIENT, tenant, "b\na", ""),
    ]
    assert len({key.id for key in keys}) == len(keys)


def test_the_delay_can_not_overflow() -> None:
    assert Backoff(5, 600).delay_seconds(10**9) == 600
