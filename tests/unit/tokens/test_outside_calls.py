"""Calls to outside issuers are bounded, and a slow issuer holds up its own tenant only."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from authplatform.logs import current_request_id
from tenants.credentials import encrypt, introspection_context
from tenants.records import TrustProfileRecord
from tests.rfc.introspecting_issuer import CLIENT_ID, PREFIX, SECRET, Issuer, serve_issuer
from tests.unit.tokens.test_jwks_cache import ES256
from tests.unit.tokens.test_jwks_cache import Issuer as KeyIssuer
from tokens.foreign_claims import InvalidAssertion
from tokens.foreign_introspection import IntrospectionCache
from tokens.foreign_keys import JwksCache, KeysUnavailable
from tokens.outside_calls import (
    CALLS_AT_ONCE,
    MOMENT_SECONDS,
    PATIENCE_SECONDS,
    NoAnswerYet,
    NotCalled,
    OutsideCalls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings

A, B, C = (UUID(int=number) for number in range(3))
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]


@pytest.fixture
def calls() -> OutsideCalls:
    return OutsideCalls()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


@contextmanager
def issuing() -> Iterator[Issuer]:
    yield from serve_issuer()


@contextmanager
def publishing() -> Iterator[KeyIssuer]:
    issuer = KeyIssuer()
    thread = threading.Thread(
        target=issuer.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    yield issuer
    if issuer.gate is not None:
        issuer.gate.set()
    issuer.server.shutdown()
    thread.join()
    issuer.server.server_close()


def profile_of(tenant_id: UUID, issuer: Issuer) -> TrustProfileRecord:
    return TrustProfileRecord(
        id=tenant_id,
        tenant_id=tenant_id,
        slug="partner",
        issuer="https://partner.example",
        audience="https://us.example",
        algorithms=frozenset(),
        kind="opaque",
        introspection_endpoint=issuer.endpoint,
        introspection_client_id=CLIENT_ID,
        introspection_secret=encrypt(SECRET.encode(), context=introspection_context(tenant_id)),
        token_prefix=PREFIX,
    )


def ask(cache: IntrospectionCache, profile: TrustProfileRecord, token: str = "pt-one") -> str:  # noqa: S107 - no secret.
    try:
        return cache.introspect(token, profile, NOW).subject or ""
    except InvalidAssertion as error:
        return error.reason


def answered(issuer: Issuer, subject: str, token: str = "pt-one") -> None:  # noqa: S107 - no secret.
    issuer.put(token, sub=subject, aud="https://us.example", iat=NOW - 10, exp=NOW + 100)


def measure(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_slow_issuer_of_one_tenant_does_not_delay_questions_of_another(
    calls: OutsideCalls,
) -> None:
    cache = IntrospectionCache(calls=calls)
    with issuing() as slow, issuing() as quick, ThreadPoolExecutor(1) as threads:
        slow.gate = threading.Event()
        answered(quick, "bob")
        waiting = threads.submit(ask, cache, profile_of(A, slow))
        assert slow.is_reached.wait(5)
        seconds = measure(lambda: ask(cache, profile_of(B, quick)))
        assert not waiting.done()
        assert ask(cache, profile_of(B, quick)) == "bob"
        assert seconds < MOMENT_SECONDS
        slow.gate.set()


def test_slow_issuer_of_one_tenant_does_not_delay_the_keys_of_another(
    calls: OutsideCalls,
) -> None:
    cache, other = JwksCache(calls=calls), IntrospectionCache(calls=calls)
    with publishing() as slow, publishing() as quick, issuing() as third:
        slow.gate = threading.Event()
        answered(third, "carol")
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(keys_at, cache, slow, A)
            assert slow.asked.wait(5)
            assert keys_at(cache, quick, B) == [ES256["kid"]]
            assert ask(other, profile_of(C, third)) == "carol"
            assert not waiting.done()
            slow.gate.set()


def keys_at(cache: JwksCache, issuer: KeyIssuer, tenant_id: UUID) -> list[str | None]:
    with suppress(KeysUnavailable):
        return [key.key_id for key in cache.keys(issuer.uri, tenant_id=tenant_id)]
    return []


def test_tenant_has_one_call_for_keys_and_questions_together(calls: OutsideCalls) -> None:
    cache, other = JwksCache(calls=calls), IntrospectionCache(calls=calls)
    with publishing() as slow, issuing() as opaque, ThreadPoolExecutor(1) as threads:
        slow.gate = threading.Event()
        answered(opaque, "alice")
        waiting = threads.submit(keys_at, cache, slow, A)
        assert slow.asked.wait(5)
        assert ask(other, profile_of(A, opaque)) == "introspection_unavailable"
        assert opaque.asked == []
        slow.gate.set()
        assert waiting.result(5) == [ES256["kid"]]
        assert ask(other, profile_of(A, opaque)) == "alice"


def test_answer_that_comes_too_late_serves_the_next_request(
    calls: OutsideCalls, gate: threading.Event
) -> None:
    cache, questions = JwksCache(calls=calls), IntrospectionCache(calls=calls)
    with publishing() as keys, issuing() as opaque, ThreadPoolExecutor(1) as threads:
        keys.gate = opaque.gate = threading.Event()
        answered(opaque, "alice")
        patient = threads.submit(run_late, calls, C, gate)
        assert ask(questions, profile_of(A, opaque)) == "introspection_unavailable"
        assert keys_at(cache, keys, B) == []
        keys.gate.set()
        gate.set()
        assert patient.result(5) == "late"
        wait_until(lambda: keys_at(cache, keys, B) == [ES256["kid"]])
        assert ask(questions, profile_of(A, opaque)) == "alice"
    assert (keys.requests, len(opaque.asked)) == (1, 1)


def run_late(
    calls: OutsideCalls,
    tenant_id: UUID,
    gate: threading.Event,
    begun: list[UUID] | None = None,
) -> str:
    def answer() -> str:
        if begun is not None:
            begun.append(tenant_id)
        gate.wait(10)
        return "late"

    return calls.run(tenant_id, answer)


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_request_waits_for_seconds_and_every_other_for_a_moment(
    calls: OutsideCalls, gate: threading.Event
) -> None:
    def wait(tenant_id: UUID) -> float:
        def call() -> object:
            with pytest.raises(NoAnswerYet):
                run_late(calls, tenant_id, gate)
            return None

        return measure(call)

    with ThreadPoolExecutor(3) as threads:
        seconds = sorted(threads.map(wait, (A, B, C)))
    assert seconds[1] < MOMENT_SECONDS + 0.4
    assert PATIENCE_SECONDS <= seconds[2] < PATIENCE_SECONDS + 1


def test_no_more_calls_are_on_their_way_than_the_bound(
    calls: OutsideCalls, gate: threading.Event
) -> None:
    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads, ExitStack() as stack:
        stack.callback(gate.set)
        begun: list[UUID] = []
        for number in range(CALLS_AT_ONCE):
            threads.submit(run_late, calls, UUID(int=100 + number), gate, begun)
        wait_until(lambda: len(begun) == CALLS_AT_ONCE)
        with pytest.raises(NotCalled):
            calls.run(A, lambda: "never")


def test_call_that_fails_leaves_its_place(calls: OutsideCalls) -> None:
    def fail() -> str:
        raise KeyError("broken")

    for _ in range(CALLS_AT_ONCE + 1):
        with pytest.raises(KeyError):
            calls.run(A, fail)
    assert calls.run(A, lambda: "good") == "good"


def test_call_is_logged_under_the_request_that_began_it(calls: OutsideCalls) -> None:
    token = current_request_id.set("request-7")
    try:
        assert calls.run(A, current_request_id.get) == "request-7"
    finally:
        current_request_id.reset(token)
