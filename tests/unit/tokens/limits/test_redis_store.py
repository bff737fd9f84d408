"""The limits keep the same count in Redis as in PostgreSQL, by the same arithmetic."""

from __future__ import annotations

import itertools
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
import redis

from tenants.records import Rate
from tests.conftest import find_program
from tests.limits import delete_rows
from tests.run.platform_process import find_free_port, wait_until
from tests.unit.tokens.limits.test_buckets import Clock
from tokens.limits.keys import Backoff, LimitKey, LimitKind, StoreAway
from tokens.limits.redis_store import LimitCache
from tokens.limits.rows import LimitRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.django_db]
RATE = Rate(10.0, 20)
BACKOFF = Backoff(5, 600)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = find_program("redis-server")
    assert program is not None
    folder: Path = tmp_path_factory.mktemp("redis")
    port = find_free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:  # noqa: S603 - as found.
        url = f"redis://127.0.0.1:{port}/0"
        wait_until(lambda: _answers(url))
        yield url
        process.terminate()


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as connection:
        try:
            return bool(connection.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(redis_url: str, clock: Clock) -> Iterator[LimitCache]:
    made = LimitCache(redis_url, clock)
    yield made
    made.close()


@pytest.fixture
def rows(clock: Clock) -> Iterator[LimitRows]:
    made = LimitRows(clock)
    yield made
    delete_rows(made)
    made.close()


def make_key(kind: LimitKind = LimitKind.CLIENT) -> LimitKey:
    return LimitKey(kind, uuid.uuid4(), "api-client", "192.0.2.1")


def test_both_stores_grant_the_same(cache: LimitCache, rows: LimitRows, clock: Clock) -> None:
    key = make_key()
    for used, wanted, seconds in itertools.product((0, 3), (1, 7), (0, 0.4, 5)):
        clock.now += seconds
        by_redis = cache.take(key, RATE, used=used, wanted=wanted)
        by_rows = rows.take(key, RATE, used=used, wanted=wanted)
        assert by_redis.granted == by_rows.granted
        assert by_redis.wait_seconds == pytest.approx(by_rows.wait_seconds, abs=0.01)


def test_both_stores_bound_what_is_owed(cache: LimitCache, rows: LimitRows, clock: Clock) -> None:
    for seconds, used in ((0, 20), (-3_600, 0), (0, 200), (0.5, 3)):
        key = make_key()
        for store in (cache, rows):
            store.take(key, RATE, used=0, wanted=20)
        clock.now += seconds
        by_redis, by_rows = (store.take(key, RATE, used=used, wanted=5) for store in (cache, rows))
        assert by_redis.granted == by_rows.granted
        assert by_redis.wait_seconds == pytest.approx(by_rows.wait_seconds, abs=0.01)
        assert by_redis.wait_seconds <= (RATE.burst + 1) / RATE.per_second + 0.01


def test_both_stores_count_the_same_failures(cache: LimitCache, rows: LimitRows) -> None:
    key = make_key(LimitKind.FAILURES)
    counts = [1, 2, 3, 1]
    assert [cache.add_failures(key, count, BACKOFF) for count in counts] == [1, 3, 6, 7]
    assert [rows.add_failures(key, count, BACKOFF) for count in counts] == [1, 3, 6, 7]
    cache.clear(key)
    assert cache.add_failures(key, 1, BACKOFF) == 1


def test_both_stores_list_who_is_limited(cache: LimitCache, rows: LimitRows, clock: Clock) -> None:
    client, failing = make_key(), make_key(LimitKind.FAILURES)
    failing = failing._replace(tenant_id=client.tenant_id)
    listed = []
    for store in (cache, rows):
        store.take(client, RATE, used=0, wanted=20)
        store.take(client, RATE, used=0, wanted=1)
        store.add_failures(failing, 8, BACKOFF)
        found = store.list_limited(client.tenant_id, clock.now - 60)
        listed.append([(key, round(until - clock.now, 2)) for key, until in found])
        assert store.list_limited(uuid.uuid4(), clock.now - 60) == []
        assert store.list_limited(client.tenant_id, clock.now + 60) == []
    assert listed[0] == listed[1] == [(failing, 8.0), (client, 0.1)]


def test_an_absent_server_is_away() -> None:
    cache = LimitCache(f"redis://127.0.0.1:{find_free_port()}/0")
    with pytest.raises(StoreAway):
        cache.take(make_key(), RATE, used=0, wanted=1)
    with pytest.raises(StoreAway):
        cache.list_limited(uuid.uuid4(), 0)


def test_what_redis_keeps_ends(cache: LimitCache, redis_url: str) -> None:
    cache.take(make_key(), RATE, used=0, wanted=20)
    cache.add_failures(make_key(LimitKind.FAILURES), 9, BACKOFF)
    with redis.Redis.from_url(redis_url) as connection:
        names = connection.keys("authplatform:limit*")
        assert names
        assert all(connection.ttl(name) > 0 for name in names)
