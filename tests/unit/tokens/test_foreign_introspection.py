"""Opaque tokens are asked about rarely, and only a good answer opens anything."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tenants.credentials import encrypt, introspection_context, trust_profile_context
from tenants.records import TrustProfileRecord
from tests.rfc.introspecting_issuer import CLIENT_ID, PREFIX, SECRET, Issuer, serve_issuer
from tests.unit.tokens.test_jwks_cache import Clock
from tokens.foreign_claims import InvalidAssertion
from tokens.foreign_introspection import IntrospectionCache, read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

PROFILE_ID = UUID(int=21)
TOKEN = f"{PREFIX}one"
NOW = 1_800_000_000
ANSWER: dict[str, Any] = {
    "active": True,
    "sub": "alice",
    "aud": "https://us.example",
    "iat": NOW - 10,
    "exp": NOW + 100,
}


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_issuer()


@pytest.fixture
def profile(issuer: Issuer) -> TrustProfileRecord:
    return TrustProfileRecord(
        id=PROFILE_ID,
        slug="partner",
        issuer="https://partner.example",
        audience="https://us.example",
        algorithms=frozenset(),
        kind="opaque",
        introspection_endpoint=issuer.endpoint,
        introspection_client_id=CLIENT_ID,
        introspection_secret=encrypt(SECRET.encode(), context=introspection_context(PROFILE_ID)),
        token_prefix=PREFIX,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> IntrospectionCache:
    return IntrospectionCache(clock=clock, max_answers=2)


def refusal(
    cache: IntrospectionCache, profile: TrustProfileRecord, token: str = TOKEN, now: float = NOW
) -> str:
    with pytest.raises(InvalidAssertion) as refused:
        cache.introspect(token, profile, now)
    assert token not in str(refused.value) or not token
    return refused.value.reason


def test_an_active_token_brings_its_claims(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache
) -> None:
    issuer.answers[TOKEN] = ANSWER | {"jti": "7", "scope": "read"}
    signed = cache.introspect(TOKEN, profile, NOW)
    assert issuer.asked == [TOKEN]
    assert (signed.issuer, signed.subject, signed.token_id) == (profile.issuer, "alice", "7")
    assert (signed.algorithm, signed.key_id) == ("", None)
    assert signed.claims["scope"] == "read"


def test_a_good_answer_counts_for_a_minute(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, clock: Clock
) -> None:
    issuer.answers[TOKEN] = ANSWER
    cache.introspect(TOKEN, profile, NOW)
    issuer.answers.clear()
    clock.now += 59.9
    cache.introspect(TOKEN, profile, NOW + 59.9)
    assert len(issuer.asked) == 1
    clock.now += 0.2
    assert refusal(cache, profile) == "inactive"
    assert len(issuer.asked) == 2


def test_a_good_answer_never_outlives_the_token(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, clock: Clock
) -> None:
    issuer.answers[TOKEN] = ANSWER | {"exp": NOW + 10}
    cache.introspect(TOKEN, profile, NOW)
    clock.now += 10
    cache.introspect(TOKEN, profile, NOW + 10)
    assert len(issuer.asked) == 2, "asked again although the clock skew would let it in"
    assert refusal(cache, profile, now=NOW + 41) == "expired"


def test_a_refusal_is_remembered_for_moments_only(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, clock: Clock
) -> None:
    for _ in range(5):
        assert refusal(cache, profile) == "inactive"
    assert len(issuer.asked) == 1
    issuer.answers[TOKEN] = ANSWER
    clock.now += 5
    cache.introspect(TOKEN, profile, NOW)


def test_the_least_used_answer_leaves_a_full_cache(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache
) -> None:
    first, second, third = (f"{PREFIX}{number}" for number in range(3))
    for token in (first, second, first, third, first, second):
        issuer.answers[token] = ANSWER
        cache.introspect(token, profile, NOW)
    assert issuer.asked == [first, second, third, second]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"id": UUID(int=22)}, id="profile"),
        pytest.param({"introspection_client_id": "another"}, id="client"),
        pytest.param({"issuer": "https://another.example"}, id="issuer"),
    ],
)
def test_no_answer_is_shared_between_those_who_ask(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, change: dict[str, Any]
) -> None:
    issuer.answers[TOKEN] = ANSWER
    cache.introspect(TOKEN, profile, NOW)
    other = replace(profile, **change)
    sealed = encrypt(SECRET.encode(), context=introspection_context(other.id))
    issuer.answers.clear()
    assert refusal(cache, replace(other, introspection_secret=sealed)) in {
        "inactive",
        "introspection_unavailable",
    }
    assert len(issuer.asked) == 2


ANSWERS: dict[str, tuple[Any, str]] = {
    "active as a text": (ANSWER | {"active": "true"}, "invalid_introspection"),
    "active as a number": (ANSWER | {"active": 1}, "invalid_introspection"),
    "active as null": (ANSWER | {"active": None}, "invalid_introspection"),
    "active as a list": (ANSWER | {"active": [True]}, "invalid_introspection"),
    "without active": ({"sub": "alice"}, "invalid_introspection"),
    "inactive with claims": (ANSWER | {"active": False}, "inactive"),
    "a list": ([ANSWER], "invalid_introspection"),
    "a text": ("true", "invalid_introspection"),
    "true": (True, "invalid_introspection"),
    "without exp": ({k: v for k, v in ANSWER.items() if k != "exp"}, "missing_claim"),
    "exp as a text": (ANSWER | {"exp": str(NOW + 100)}, "invalid_claim"),
    "exp as true": (ANSWER | {"exp": True}, "invalid_claim"),
    "endless exp": (ANSWER | {"exp": 1e300}, "invalid_claim"),
    "without aud": ({k: v for k, v in ANSWER.items() if k != "aud"}, "missing_claim"),
    "aud as an object": (ANSWER | {"aud": {"a": 1}}, "missing_claim"),
    "aud with a number": (ANSWER | {"aud": ["https://us.example", 1]}, "invalid_claim"),
    "iss as a list": (ANSWER | {"iss": ["https://partner.example"]}, "invalid_claim"),
    "iss empty": (ANSWER | {"iss": ""}, "invalid_claim"),
    "sub as a number": (ANSWER | {"sub": 7}, "invalid_claim"),
    "iat as a text": (ANSWER | {"iat": "now"}, "invalid_claim"),
    "nbf negative": (ANSWER | {"nbf": -1}, "invalid_claim"),
    "jti huge": (ANSWER | {"jti": "x" * 2_000}, "invalid_claim"),
    "expired": (ANSWER | {"exp": NOW - 31}, "expired"),
    "to come": (ANSWER | {"nbf": NOW + 31}, "not_yet_valid"),
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_the_wrong_shape_is_a_no(
    issuer: Issuer,
    profile: TrustProfileRecord,
    cache: IntrospectionCache,
    answer: Any,  # noqa: ANN401 - JSON.
    reason: str,
) -> None:
    issuer.raw = json.dumps(answer).encode()
    assert refusal(cache, profile) == reason


RAW: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"active=true",
    "active twice": b'{"active":true,"active":false}',
    "NaN": b'{"active":true,"exp":NaN}',
    "deep": b'{"active":' + b"[" * 20 + b"]" * 20 + b"}",
    "not UTF-8": b'{"active":true,"sub":"\xff"}',
    "NUL": b'{"active":true,"sub":"\\u0000"}',
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_an_answer_that_is_no_strict_json_is_a_no(profile: TrustProfileRecord, raw: bytes) -> None:
    with pytest.raises(InvalidAssertion) as refused:
        read_answer(raw, TOKEN, profile)
    assert refused.value.reason == "invalid_introspection"


BROKEN: dict[str, dict[str, Any]] = {
    "huge": {"raw": b'{"active":true,"x":"' + b"x" * 20_000 + b'"}'},
    "redirect": {"status": 302, "headers": {"Location": "https://elsewhere.example"}},
    "unauthorized": {"status": 401},
    "server error": {"status": 500},
    "another media type": {"headers": {"Content-Type": "text/html"}},
    "signed answer": {"headers": {"Content-Type": "application/token-introspection+jwt"}},
    "compressed": {"headers": {"Content-Encoding": "gzip"}},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_endpoint_opens_nothing_and_is_left_alone_for_a_while(
    issuer: Issuer,
    profile: TrustProfileRecord,
    cache: IntrospectionCache,
    clock: Clock,
    broken: dict[str, Any],
) -> None:
    issuer.answers[TOKEN] = ANSWER
    for name, value in broken.items():
        setattr(issuer, name, value)
    for _ in range(3):
        assert refusal(cache, profile) == "introspection_unavailable"
    assert len(issuer.asked) == 1
    issuer.raw, issuer.status, issuer.headers = None, 200, {}
    clock.now += 5
    assert cache.introspect(TOKEN, profile, NOW).subject == "alice"


def test_a_private_address_is_never_asked(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, settings: Settings
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    assert refusal(cache, profile) == "introspection_unavailable"
    assert issuer.asked == []


HOSTILE_TOKENS = {
    "long": PREFIX + "x" * 16_384,
    "line break": f"{PREFIX}a\r\nX: y",
    "space": f"{PREFIX}a b",
    "not ASCII": f"{PREFIX}ü",
    "NUL": f"{PREFIX}\x00",
    "half a surrogate": f"{PREFIX}\ud800",
}


@pytest.mark.parametrize("token", HOSTILE_TOKENS.values(), ids=HOSTILE_TOKENS)
def test_a_text_that_can_be_no_token_is_not_asked_about(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache, token: str
) -> None:
    with pytest.raises(InvalidAssertion) as refused:
        cache.introspect(token, profile, NOW)
    assert refused.value.reason == "malformed"
    assert issuer.asked == []


def test_what_looks_like_another_parameter_stays_a_token(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache
) -> None:
    token = f"{PREFIX}a&token={PREFIX}b%26"
    issuer.answers[token] = ANSWER
    cache.introspect(token, profile, NOW)
    assert issuer.asked == [token]


def test_a_silent_issuer_holds_one_thread_and_the_others_only_a_moment(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache
) -> None:
    issuer.gate = threading.Event()

    def ask(number: int) -> float:
        began = time.monotonic()
        refusal(cache, profile, f"{PREFIX}{number}")
        return time.monotonic() - began

    with ThreadPoolExecutor(4) as threads:
        held = sorted(threads.map(ask, range(4)))
    assert len(issuer.asked) == 1
    assert held[2] < 1.5
    assert held[3] < 5


def test_many_threads_ask_once_about_the_same_token(
    issuer: Issuer, profile: TrustProfileRecord, cache: IntrospectionCache
) -> None:
    issuer.answers[TOKEN] = ANSWER
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: cache.introspect(TOKEN, profile, NOW), range(8)))
    assert {signed.subject for signed in found} == {"alice"}
    assert issuer.asked == [TOKEN]


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(None, id="none"),
        pytest.param(
            encrypt(b"secret", context=introspection_context(UUID(int=5))), id="of another profile"
        ),
        pytest.param(
            encrypt(b"secret", context=trust_profile_context(PROFILE_ID)), id="the shared secret"
        ),
        pytest.param(
            replace(
                encrypt(b"secret", context=introspection_context(PROFILE_ID)), kek_id="elsewhere"
            ),
            id="under an unknown key",
        ),
    ],
)
def test_without_its_secret_nobody_is_asked(
    issuer: Issuer,
    profile: TrustProfileRecord,
    cache: IntrospectionCache,
    sealed: Any,  # noqa: ANN401 - a ciphertext or nothing.
) -> None:
    unreadable = replace(profile, introspection_secret=sealed)
    assert refusal(cache, unreadable) == "introspection_unavailable"
    assert issuer.asked == []


def test_neither_token_nor_secret_reaches_the_log(
    issuer: Issuer,
    profile: TrustProfileRecord,
    cache: IntrospectionCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer.status = 500
    refusal(cache, profile, f"{PREFIX}canary")
    assert caplog.records
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in ("canary", SECRET, "Basic "):
        assert secret not in written
