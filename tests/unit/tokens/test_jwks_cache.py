"""Fetched JWK sets are kept for a bounded time, and fetched as rarely as that allows."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tokens.foreign_keys import (
    JwksCache,
    KeysUnavailable,
)
from tokens.jwk import SigningAlgorithm, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.records import JSON


def jwk_of(algorithm: SigningAlgorithm) -> dict[str, JSON]:
    public_jwk = generate_key(algorithm).public_jwk
    assert public_jwk is not None
    return public_jwk


ES256 = jwk_of(SigningAlgorithm.ES256)
RS256 = jwk_of(SigningAlgorithm.RS256)


def without(jwk: dict[str, JSON], *names: str) -> dict[str, JSON]:
    return {name: value for name, value in jwk.items() if name not in names}


class Issuer:
    """A real server on the loopback that publishes `keys`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, JSON]] = [ES256]
        self.status = 200
        self.requests = 0
        self.asked = threading.Event()
        self.gate: threading.Event | None = None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                issuer.asked.set()
                if issuer.gate is not None:
                    issuer.gate.wait(5)
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}/jwks"


class Clock:
    """A clock that stands until it is moved; in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    settings.TENANTS_OUTGOING_TIMEOUT_SECONDS = 5.0
    settings.TENANTS_OUTGOING_MAX_BYTES = 65_536
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> JwksCache:
    return JwksCache(clock=clock, max_sets=2)


def kids(cache: JwksCache, uri: str, kid: str | None = None) -> list[str | None]:
    return [key.key_id for key in cache.keys(uri, kid=kid)]


def test_a_set_is_fetched_once_in_five_minutes(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    assert kids(cache, issuer.uri) == [ES256["kid"]]
    clock.now += 299
    assert kids(cache, issuer.uri, str(ES256["kid"])) == [ES256["kid"]]
    assert issuer.requests == 1
    issuer.keys = [RS256]
    clock.now += 2
    assert kids(cache, issuer.uri) == [RS256["kid"]]
    assert issuer.requests == 2


def test_an_unknown_kid_fetches_again_once_a_minute_at_most(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    kids(cache, issuer.uri)
    issuer.keys = [ES256, RS256]
    assert kids(cache, issuer.uri, str(RS256["kid"])) == [ES256["kid"]]
    clock.now += 60
    assert kids(cache, issuer.uri, str(RS256["kid"])) == [ES256["kid"], RS256["kid"]]
    for number in range(20):
        kids(cache, issuer.uri, f"guess-{number}")
    assert issuer.requests == 2


def test_a_key_without_a_kid_could_be_any_and_needs_no_new_fetch(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    issuer.keys = [without(ES256, "kid")]
    kids(cache, issuer.uri)
    clock.now += 61
    assert kids(cache, issuer.uri, "whatever") == [None]
    assert issuer.requests == 1


@pytest.mark.parametrize("status", [500, 302, 404])
def test_stale_keys_serve_a_day_while_the_issuer_is_down(
    issuer: Issuer, cache: JwksCache, clock: Clock, status: int
) -> None:
    kids(cache, issuer.uri)
    issuer.status = status
    clock.now += 86_400
    assert kids(cache, issuer.uri) == [ES256["kid"]]
    assert issuer.requests == 2
    assert kids(cache, issuer.uri) == [ES256["kid"]]
    assert issuer.requests == 2, "asked again within a minute"
    clock.now += 60.1
    with pytest.raises(KeysUnavailable):
        kids(cache, issuer.uri)
    issuer.status = 200
    clock.now += 60.1
    assert kids(cache, issuer.uri) == [ES256["kid"]]


def test_a_set_that_turns_invalid_does_not_replace_a_good_one(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    kids(cache, issuer.uri)
    issuer.keys = [ES256, RS256 | {"kid": ES256["kid"]}]
    clock.now += 301
    assert kids(cache, issuer.uri) == [ES256["kid"]]


def test_a_first_failure_is_tried_again_after_a_few_seconds(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    issuer.status = 503
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            kids(cache, issuer.uri)
    assert issuer.requests == 1
    issuer.status = 200
    clock.now += 5
    assert kids(cache, issuer.uri) == [ES256["kid"]]


def test_a_refused_address_leaves_no_keys(
    issuer: Issuer, cache: JwksCache, settings: Settings
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    with pytest.raises(KeysUnavailable):
        kids(cache, issuer.uri)
    assert issuer.requests == 0


def test_the_least_used_set_leaves_a_full_cache(issuer: Issuer, cache: JwksCache) -> None:
    first, second, third = (f"{issuer.uri}?{number}" for number in range(3))
    kids(cache, first)
    kids(cache, second)
    kids(cache, first)
    kids(cache, third)
    assert issuer.requests == 3
    kids(cache, first)
    assert issuer.requests == 3
    kids(cache, second)
    assert issuer.requests == 4


def test_many_threads_fetch_once(issuer: Issuer, cache: JwksCache) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: kids(cache, issuer.uri), range(16)))
    assert found == [[ES256["kid"]]] * 16
    assert issuer.requests == 1


def test_while_one_thread_renews_the_others_are_served_the_old_keys(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    kids(cache, issuer.uri)
    clock.now += 301
    issuer.gate = threading.Event()
    issuer.asked.clear()
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(kids, cache, issuer.uri)
        assert issuer.asked.wait(5)
        assert kids(cache, issuer.uri) == [ES256["kid"]]
        assert not renewing.done()
        issuer.gate.set()
        assert renewing.result(5) == [ES256["kid"]]
    assert issuer.requests == 2


def test_a_silent_issuer_holds_one_thread_at_most(issuer: Issuer, cache: JwksCache) -> None:
    issuer.gate = threading.Event()
    held: list[float] = []

    def ask(number: int) -> None:
        began = time.monotonic()
        with suppress(KeysUnavailable):
            cache.keys(f"{issuer.uri}?{number % 2}", kid=f"unknown-{number}")
        held.append(time.monotonic() - began)

    asking = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    for thread in asking:
        thread.start()
    assert issuer.asked.wait(2)
    issuer.gate.set()
    for thread in asking:
        thread.join(5)
    assert issuer.requests <= 2, "the first of each address, one after the other"
    assert max(held) < 3


def test_the_pause_after_a_failure_counts_from_its_end(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            cache.keys(issuer.uri)
        clock.now += 2
    assert issuer.requests == 1
