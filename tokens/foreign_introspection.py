"""Asks outside issuers about their opaque tokens and remembers good answers for a while.

Source: RFC 7662 section 2, where this platform is the protected resource.
"""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from tenants import outgoing
from tenants.credentials import decrypt, introspection_context
from tenants.errors import (
    InvalidCiphertext,
    OutgoingFailed,
    OutgoingRefused,
    UnknownKeyEncryptionKey,
)
from tokens.foreign_claims import InvalidAssertion, Proof, check_times, read_claims
from tokens.jose import MAXIMUM_TOKEN_CHARACTERS, InvalidJWT, parse_json_object
from tokens.outside_calls import CALLS, NoAnswerYet, NotCalled, OutsideCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import SignedClaims, TrustProfileRecord

    Ask = Callable[[str, outgoing.Submission], bytes]

logger = logging.getLogger(__name__)

MAXIMUM_ANSWER_BYTES: Final = 16_384
MEDIA_TYPES: Final = ("application/json",)
TIMEOUT_SECONDS: Final = 3.0
FRESH_SECONDS: Final = 60.0
# A refused token that is sent again and again must not become as many questions.
REFUSED_SECONDS: Final = 5.0
# An endpoint that has just failed is left alone, and nobody waits for it meanwhile.
PAUSE_SECONDS: Final = 5.0
REMEMBERED_ANSWERS: Final = 4096
REMEMBERED_PAUSES: Final = 1024
BUSY: Final = "the issuer is busy or down"


def fetch_answer(url: str, submission: outgoing.Submission) -> bytes:
    """Send one question through the guarded fetch."""
    return outgoing.fetch(
        url,
        accepted_media_types=MEDIA_TYPES,
        max_bytes=MAXIMUM_ANSWER_BYTES,
        timeout_seconds=TIMEOUT_SECONDS,
        submission=submission,
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an issuer said of a token; `until` on the cache's clock, `signed` None for a no."""

    until: float
    signed: SignedClaims | None
    reason: str = ""


class IntrospectionCache:
    """Asks about tokens, one question of a tenant at a time; a good answer counts for a minute."""

    def __init__(
        self,
        ask: Ask = fetch_answer,
        clock: Callable[[], float] = time.monotonic,
        max_answers: int = REMEMBERED_ANSWERS,
        calls: OutsideCalls | None = None,
    ) -> None:
        """Ask through the guarded fetch, within the bound on calls; `clock` gives seconds."""
        self._ask = ask
        self._clock = clock
        self._max_answers = max_answers
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._paused: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self._calls = calls or OutsideCalls()

    def introspect(self, token: str, profile: TrustProfileRecord, now: float) -> SignedClaims:
        """Answer the claims of an active token; `now` in seconds since the epoch.

        Raises: InvalidAssertion.
        """
        _check_form(token)
        key = _key_of(token, profile)
        answer = self._find(key, now)
        if answer is None:
            answer = self._ask_once(token, profile, key, now)
        if answer.signed is None:
            raise InvalidAssertion(answer.reason, "the issuer says so")
        check_times(answer.signed, now, profile.clock_skew_seconds)
        return answer.signed

    def _find(self, key: bytes, now: float) -> _Answer | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                return None
            is_over = answer.signed is not None and answer.signed.expires_at <= now
            if is_over or answer.until <= self._clock():
                del self._answers[key]
                return None
            self._answers.move_to_end(key)
            return answer

    def _ask_once(self, token: str, profile: TrustProfileRecord, key: bytes, now: float) -> _Answer:
        """Ask within the bound on calls; nobody waits for an endpoint that is known as broken."""
        self._refuse_paused(profile.introspection_endpoint)
        try:
            return self._calls.run(
                profile.tenant_id, partial(self._find_or_ask, token, profile, key, now)
            )
        except (NotCalled, NoAnswerYet) as error:
            raise InvalidAssertion("introspection_unavailable", BUSY) from error

    def _find_or_ask(
        self, token: str, profile: TrustProfileRecord, key: bytes, now: float
    ) -> _Answer:
        """Ask, unless the call before, which was waited for, has brought the answer or failed."""
        answer = self._find(key, now)
        if answer is not None:
            return answer
        endpoint = profile.introspection_endpoint
        self._refuse_paused(endpoint)
        try:
            answer = self._question(token, profile)
        except (OutgoingFailed, OutgoingRefused) as error:
            self._pause(endpoint)
            facts = {"introspection_endpoint": endpoint, "reason": str(error)}
            logger.warning("foreign token not introspected", extra=facts)
            raise InvalidAssertion("introspection_unavailable", str(error)) from error
        self._keep(key, answer)
        return answer

    def _question(self, token: str, profile: TrustProfileRecord) -> _Answer:
        """Ask; an answer that can't be used is a no that is forgotten as soon."""
        raw = self._ask(profile.introspection_endpoint, make_submission(token, profile))
        try:
            signed = read_answer(raw, token, profile)
        except InvalidAssertion as error:
            return _Answer(self._clock() + REFUSED_SECONDS, None, error.reason)
        return _Answer(self._clock() + FRESH_SECONDS, signed)

    def _keep(self, key: bytes, answer: _Answer) -> None:
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            if len(self._answers) > self._max_answers:
                self._answers.popitem(last=False)

    def _refuse_paused(self, endpoint: str) -> None:
        with self._lock:
            is_paused = self._paused.get(endpoint, 0.0) > self._clock()
        if is_paused:
            raise InvalidAssertion("introspection_unavailable", BUSY)

    def _pause(self, endpoint: str) -> None:
        with self._lock:
            self._paused[endpoint] = self._clock() + PAUSE_SECONDS
            self._paused.move_to_end(endpoint)
            if len(self._paused) > REMEMBERED_PAUSES:
                self._paused.popitem(last=False)


introspection_cache: Final = IntrospectionCache(calls=CALLS)


def make_submission(token: str, profile: TrustProfileRecord) -> outgoing.Submission:
    """Write the question, and as whom it is asked.

    Raises: InvalidAssertion where the secret is unreadable.
    Source: RFC 7662 section 2.1, RFC 6749 section 2.3.1.
    """
    form = {"token": token, "token_type_hint": "access_token"}
    pair = f"{quote_plus(profile.introspection_client_id)}:{quote_plus(_read_secret(profile))}"
    authorization = f"Basic {b64encode(pair.encode()).decode('ascii')}"
    return outgoing.Submission(urlencode(form).encode("ascii"), authorization)


def read_answer(raw: bytes, token: str, profile: TrustProfileRecord) -> SignedClaims:
    """Read an answer; only `true` itself is active.

    Without `iss` the issuer is the one that was asked. Audience, expiry and issue time must be
    there, as in a signed token: what is absent never means anything or for ever.

    Raises: InvalidAssertion.
    Source: RFC 7662 section 2.2.
    """
    try:
        claims = parse_json_object(raw)
    except InvalidJWT as error:
        raise InvalidAssertion("invalid_introspection", error.detail) from error
    if claims.get("active") is False:
        raise InvalidAssertion("inactive", "the issuer says that the token is not active")
    if claims.get("active") is not True:
        raise InvalidAssertion("invalid_introspection", "active is neither true nor false")
    proof = Proof(sha256(token.encode("ascii")).digest())
    return read_claims(claims, proof, default_issuer=profile.issuer)


def _check_form(token: str) -> None:
    if len(token) > MAXIMUM_TOKEN_CHARACTERS or not all("!" <= sign <= "~" for sign in token):
        raise InvalidAssertion("malformed", "not a short text of printable ASCII characters")


def _key_of(token: str, profile: TrustProfileRecord) -> bytes:
    """Digest the token together with who is asked about it, and by whom."""
    asked = f"{profile.id}\n{profile.introspection_endpoint}\n{profile.introspection_client_id}"
    return sha256(f"{asked}\n{profile.issuer}\n{token}".encode()).digest()


def _read_secret(profile: TrustProfileRecord) -> str:
    sealed = profile.introspection_secret
    if sealed is None:
        raise InvalidAssertion("introspection_unavailable", "the profile has no secret")
    try:
        return decrypt(sealed, context=introspection_context(profile.id)).decode()
    except (UnknownKeyEncryptionKey, InvalidCiphertext) as error:
        # The fault is ours, yet the caller of a token endpoint gets no 5xx for it.
        facts = {"trust_profile_id": str(profile.id)}
        logger.exception("introspection secret not readable", extra=facts)
        raise InvalidAssertion("introspection_unavailable", "the secret is unreadable") from error
