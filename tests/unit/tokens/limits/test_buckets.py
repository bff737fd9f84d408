"""Tests of the arithmetic of limits: a frozen clock, and the real store where processes share."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenants.records import Rate
from tests.factories.records import make_client, make_tenant
from tests.limits import delete_rows
from tokens.limits.buckets import FORGOTTEN_PART, RECHECK_SECONDS, WINDOW_SECONDS
from tokens.limits.keys import Lease, LimitKind, StoreAway, lease_size
from tokens.limits.rates import RequestRates
from tokens.limits.rows import LimitRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokens.limits.keys import Backoff, LimitKey

START = 2_000_000_000.0
NAMES = itertools.count()
RATES = st.builds(Rate, st.floats(0.05, 5_000), st.integers(1, 10_000))
# Seconds between bursts of requests, and how many requests each burst has.
# Limits that the requests of these steps exceed by far.
TIGHT = st.builds(Rate, st.floats(0.05, 100), st.integers(1, 200))
BUSY = st.lists(st.tuples(st.floats(0, 1), st.integers(50, 400)), min_size=8, max_size=16)
STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 400)), min_size=1, max_size=25)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class NoStore:
    """A store that is away."""

    def __init__(self) -> None:
        self.asked = 0

    def take(self, _key: LimitKey, _rate: Rate, *, used: int, wanted: int) -> Lease:
        self.asked += used >= 0 and wanted > 0
        raise StoreAway("away")

    def add_failures(self, _key: LimitKey, _count: int, _backoff: Backoff) -> int:
        raise StoreAway("away")

    def clear(self, _key: LimitKey) -> None:
        raise StoreAway("away")


class Exhausted(NoStore):
    """A store from which others have taken everything."""

    WAIT_SECONDS = 5.0

    def take(self, _key: LimitKey, _rate: Rate, *, used: int, wanted: int) -> Lease:
        self.asked += used >= 0 and wanted > 0
        return Lease(0, self.WAIT_SECONDS)


class Rates(RequestRates):
    """The rates of one process, all keys having the same rate."""

    def __init__(self, rate: Rate, store: LimitRows | NoStore, clock: Clock, **more: int) -> None:
        self.rate = rate
        self.tenant = make_tenant(id=uuid.uuid4(), path=f"acme/production/t{next(NAMES)}")
        self.client = make_client()
        super().__init__(LimitKind.CLIENT, lambda *_: self.rate, store, clock=clock, **more)

    def join(self, other: Rates) -> Rates:
        """Count for the same tenant as another process does."""
        self.tenant = other.tenant
        return self

    def admits(self, name: str = "api-client") -> bool:
        return self.wait_seconds(self.tenant, self.client, name) == 0

    def count_admitted(self, requests: int) -> int:
        return sum(self.admits() for _ in range(requests))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(db: None, clock: Clock) -> Iterator[LimitRows]:  # noqa: ARG001 - the database is open.
    rows = LimitRows(clock)
    yield rows
    delete_rows(rows)
    rows.close()


@settings(max_examples=60, deadline=None)
@example(rate=Rate(0.0625, 1), steps=[(0, 2), (10, 2), (10, 2), (10, 1)])
@given(rate=RATES, steps=STEPS)
def test_one_process_alone_admits_no_more_than_burst_and_rate(
    rate: Rate, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    rates = Rates(rate, NoStore(), clock)
    admitted = 0
    for seconds, requests in steps:
        clock.now += seconds
        admitted += rates.count_admitted(requests)
        bound = rate.burst + rate.per_second * (clock.now - START) + lease_size(rate)
        assert admitted <= bound + 1e-3


@pytest.mark.django_db
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rate=TIGHT, steps=BUSY, seed=st.integers(0, 1_000))
def test_processes_together_admit_no_more_than_burst_and_rate_and_a_lease_each(
    store: LimitRows, clock: Clock, rate: Rate, steps: list[tuple[float, int]], seed: int
) -> None:
    began = clock.now
    first = Rates(rate, store, clock)
    processes = [first, *(Rates(rate, store, clock).join(first) for _ in range(3))]
    pick = random.Random(seed)  # noqa: S311 - reproducible on purpose.
    admitted = 0
    for seconds, requests in steps:
        # Within one window, so that what is too little to be shared is counted once.
        clock.now += min(seconds, (WINDOW_SECONDS - 0.1) / len(steps))
        admitted += sum(pick.choice(processes).admits() for _ in range(requests))
        bound = rate.burst + rate.per_second * (clock.now - began) + 4 * lease_size(rate)
        assert admitted <= bound + 1e-3
    clock.now += 1_000


@pytest.mark.django_db
def test_many_slow_processes_do_not_multiply_a_small_limit(store: LimitRows, clock: Clock) -> None:
    rate, count, seconds = Rate(1.0, 60), 8, 600
    first = Rates(rate, store, clock)
    processes = [first, *(Rates(rate, store, clock).join(first) for _ in range(count - 1))]
    began, admitted = clock.now, 0
    while clock.now < began + seconds:
        clock.now += 3.4  # Never more than a lease of one process in one window.
        admitted += sum(process.admits() for process in processes)
    forgotten = count * seconds * rate.per_second * FORGOTTEN_PART
    assert admitted <= rate.burst + rate.per_second * seconds + count * lease_size(rate) + forgotten


@pytest.mark.django_db
@pytest.mark.parametrize("count", [pytest.param(1, id="one process"), pytest.param(8, id="eight")])
@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        pytest.param(Rate(1 / 60, 1), 61, id="one a minute"),
        pytest.param(Rate(8 / 60, 8), 8, id="eight a minute"),
        pytest.param(Rate(1.0, 60), 1.2, id="sixty a minute"),
    ],
)
def test_a_slow_client_that_keeps_its_limit_is_not_refused(
    store: LimitRows, clock: Clock, count: int, rate: Rate, seconds: float
) -> None:
    first = Rates(rate, store, clock)
    processes = [first, *(Rates(rate, store, clock).join(first) for _ in range(count - 1))]
    refused = 0
    for number in range(30 * count):
        clock.now += seconds
        refused += not processes[number % count].admits()
    assert refused == 0


@pytest.mark.django_db
def test_a_busy_client_gets_its_whole_rate_from_two_processes(
    store: LimitRows, clock: Clock
) -> None:
    rate = Rate(100.0, 100)
    first = Rates(rate, store, clock)
    second = Rates(rate, store, clock).join(first)
    admitted = 0
    for _ in range(400):  # 8 seconds, 400 requests each second.
        clock.now += 0.02
        admitted += first.count_admitted(4) + second.count_admitted(4)
    assert 0.9 * (100 + 800) <= admitted <= 100 + 800 + 2 * lease_size(rate)


def test_nothing_is_asked_where_nothing_is_near_its_limit(clock: Clock) -> None:
    store = NoStore()
    rates = Rates(Rate(1_000.0, 2_000), store, clock)
    for _ in range(300):
        clock.now += 0.2
        assert rates.count_admitted(2) == 2
    assert store.asked == 0


@pytest.mark.django_db
def test_a_key_that_rests_needs_the_store_no_more(store: LimitRows, clock: Clock) -> None:
    rates = Rates(Rate(10.0, 160), store, clock)
    assert rates.count_admitted(100) == 100
    clock.now += WINDOW_SECONDS * 2
    assert rates.admits()
    store.close()
    clock.now += WINDOW_SECONDS
    absent = NoStore()
    rates._store = absent  # noqa: SLF001 - a test looks inside.
    assert rates.count_admitted(lease_size(rates.rate)) == lease_size(rates.rate)
    assert absent.asked == 0


def test_a_changed_setting_holds_within_a_second(clock: Clock) -> None:
    rates = Rates(Rate(1_000.0, 1_000), NoStore(), clock)
    assert rates.admits()
    rates.rate = Rate(1 / 60, 1)
    clock.now += RECHECK_SECONDS
    assert rates.count_admitted(20) <= 2


@pytest.mark.django_db
def test_who_was_refused_need_not_wait_once_the_limit_is_raised(
    store: LimitRows, clock: Clock
) -> None:
    rates = Rates(Rate(1 / 60, 1), store, clock)
    rates.count_admitted(20)
    assert not rates.admits()
    rates.rate = Rate(1_000.0, 1_000)
    clock.now += RECHECK_SECONDS
    assert rates.admits()


@pytest.mark.django_db
def test_a_lowered_limit_takes_back_what_was_leased(store: LimitRows, clock: Clock) -> None:
    rates = Rates(Rate(1_000.0, 1_000), store, clock)
    assert rates.count_admitted(120) == 120  # The second lease has some left.
    rates.rate = Rate(1 / 60, 1)
    clock.now += RECHECK_SECONDS
    assert rates.count_admitted(100) <= 2


def test_a_flood_of_refused_requests_asks_the_store_once(clock: Clock) -> None:
    store = Exhausted()
    rates = Rates(Rate(0.1, 4), store, clock)
    assert rates.count_admitted(10_000) == 1
    assert store.asked == 1
    clock.now += Exhausted.WAIT_SECONDS
    assert not rates.admits()
    assert store.asked == 2


def test_who_is_refused_learns_how_long_to_wait(clock: Clock) -> None:
    rates = Rates(Rate(0.1, 3), NoStore(), clock)
    rates.count_admitted(20)
    wait = rates.wait_seconds(rates.tenant, rates.client, "api-client")
    assert 0 < wait <= 10
    clock.now += wait
    assert rates.admits()


def test_another_client_is_not_held_back(clock: Clock) -> None:
    rates = Rates(Rate(0.1, 3), NoStore(), clock)
    rates.count_admitted(20)
    assert not rates.admits()
    assert rates.admits("another")


def test_a_million_invented_clients_need_bounded_memory(clock: Clock) -> None:
    rates = Rates(Rate(100.0, 100), NoStore(), clock, max_keys=1_000)
    for number in range(1_000_000):
        rates.wait_seconds(rates.tenant, rates.client, str(number))
    assert len(rates) <= 1_000


def test_a_key_in_use_is_not_forgotten_for_invented_ones(clock: Clock) -> None:
    rates = Rates(Rate(0.001, 3), NoStore(), clock, max_keys=100)
    rates.count_admitted(20)
    for number in range(10_000):
        rates.admits(str(number))
        if number % 10 == 0:
            assert not rates.admits()


def test_the_usual_case_costs_a_few_microseconds(clock: Clock) -> None:
    rates = Rates(Rate(1e6, 1_000_000), NoStore(), clock)
    rates.admits()
    began = time.thread_time()
    rates.count_admitted(10_000)
    assert (time.thread_time() - began) / 10_000 < 20e-6
