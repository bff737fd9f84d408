"""Tests of the delay after failures: growing, bounded, shared, forgotten."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.limits import delete_rows
from tests.unit.tokens.limits.test_buckets import Clock, NoStore
from tokens.limits.delays import FORGET_SECONDS, TRIAL_SECONDS, FailureDelays
from tokens.limits.keys import Backoff, LimitKey, LimitKind
from tokens.limits.rows import LimitRows
from tokens.models import LimitState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokens.limits.keys import LimitStore

BACKOFF = Backoff(5, 600)
KEY = LimitKey(LimitKind.FAILURES, uuid.uuid4(), "api-client", "192.0.2.1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(db: None, clock: Clock) -> Iterator[LimitRows]:  # noqa: ARG001 - the database is open.
    rows = LimitRows(clock)
    yield rows
    delete_rows(rows)
    rows.close()


def make_delays(store: LimitStore, clock: Clock, **more: int) -> FailureDelays:
    return FailureDelays(lambda: BACKOFF, store, clock=clock, **more)


def fail(delays: FailureDelays, times: int, key: LimitKey = KEY) -> float:
    for _ in range(times):
        delays.count(key)
    return delays.attempt(key) or 0.0


def test_the_first_failures_are_free(clock: Clock) -> None:
    assert fail(make_delays(NoStore(), clock), 4) == 0


def test_the_delay_doubles_up_to_a_maximum(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    fail(delays, 4)
    assert [fail(delays, 1) for _ in range(12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_the_delay_ends_but_the_failures_are_remembered(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    assert fail(delays, 7) == 4
    clock.now += 4
    assert delays.attempt(KEY) == 0
    assert fail(delays, 1) == 8


def test_whoever_was_delayed_tries_alone(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    assert fail(delays, 7) == 4
    clock.now += 4
    assert [delays.attempt(KEY) for _ in range(3)] == [0, TRIAL_SECONDS, TRIAL_SECONDS]
    clock.now += TRIAL_SECONDS  # The one that tried was answered by an error of ours.
    assert delays.attempt(KEY) == 0


def test_free_failures_hold_nobody_up(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    fail(delays, 4)
    assert [delays.attempt(KEY) for _ in range(3)] == [0, 0, 0]


def test_success_forgets_the_failures(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    fail(delays, 9)
    delays.clear(KEY)
    assert not delays.has_failures
    assert fail(delays, 4) == 0


def test_time_forgets_the_failures(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    fail(delays, 20)
    clock.now += FORGET_SECONDS
    assert fail(delays, 4) == 0


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(KEY._replace(address="192.0.2.2"), id="another address"),
        pytest.param(KEY._replace(name="another"), id="another client"),
        pytest.param(KEY._replace(tenant_id=uuid.uuid4()), id="another tenant"),
        pytest.param(KEY._replace(kind=LimitKind.SIGN_IN), id="another kind"),
    ],
)
def test_nobody_else_is_delayed(other: LimitKey, clock: Clock) -> None:
    delays = make_delays(NoStore(), clock)
    assert fail(delays, 20) == 600
    assert delays.attempt(other) is None


def test_a_million_invented_clients_need_bounded_memory(clock: Clock) -> None:
    delays = make_delays(NoStore(), clock, max_keys=1_000)
    for number in range(1_000_000):
        delays.count(KEY._replace(name=str(number)))
    assert len(delays) <= 1_000


@pytest.mark.django_db
def test_a_second_process_learns_of_the_failures_of_the_first(
    store: LimitRows, clock: Clock
) -> None:
    first, second = make_delays(store, clock), make_delays(store, clock)
    assert fail(first, 6) == 2
    assert fail(second, 2) == BACKOFF.delay_seconds(8)


@pytest.mark.django_db
def test_success_forgets_the_failures_of_all(store: LimitRows, clock: Clock) -> None:
    first, second = make_delays(store, clock), make_delays(store, clock)
    fail(first, 9)
    first.clear(KEY)
    assert fail(second, 4) == 0


@pytest.mark.django_db
def test_invented_clients_that_fail_once_leave_no_rows(store: LimitRows, clock: Clock) -> None:
    delays = make_delays(store, clock)
    for number in range(100):
        delays.count(KEY._replace(name=str(number)))
    assert not LimitState.objects.exists()


@pytest.mark.django_db
def test_the_row_ends_when_the_failures_are_forgotten(store: LimitRows, clock: Clock) -> None:
    fail(make_delays(store, clock), 7)
    row = LimitState.objects.get()
    assert row.failures == 7
    assert row.limited_until is not None
    assert row.limited_until.timestamp() == pytest.approx(clock.now + 4)
    assert row.expires_at.timestamp() == pytest.approx(clock.now + FORGET_SECONDS)
    clock.now += FORGET_SECONDS + 1
    assert store.add_failures(KEY, 1, BACKOFF) == 1
