"""Filters the JWK sets of others and keeps fetched ones for a while."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from tenants import outgoing
from tenants.errors import OutgoingFailed, OutgoingRefused
from tokens.jose import InvalidJWT, parse_json_object
from tokens.jwk import InvalidJWK, PublicKey, fitting_algorithms, public_key
from tokens.outside_calls import MOMENT_SECONDS, NoAnswerYet, NotCalled, OutsideCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from tokens.jwk import JWK

logger = logging.getLogger(__name__)

MAXIMUM_KEYS: Final = 100
MAXIMUM_SET_BYTES: Final = 65_536
MAXIMUM_KID_CHARACTERS: Final = 255
MEDIA_TYPES: Final = ("application/json", "application/jwk-set+json")
# Source: RFC 7518 sections 6.2.2, 6.3.2 and 6.4: the members that a public key never has.
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

FRESH_SECONDS: Final = 300.0
STALE_SECONDS: Final = 86_400.0
REFETCH_SECONDS: Final = 60.0
# Where no keys are left to serve, a short outage must not become a long one.
RETRY_SECONDS: Final = 5.0
CACHED_SETS: Final = 1024


class InvalidKeySet(Exception):
    """A JWK set as a whole is refused; the text says why."""


class KeysUnavailable(Exception):
    """The keys of an issuer could not be fetched, and none are left from before."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A public key of somebody else that verifies signatures of these algorithms."""

    key_id: str | None
    algorithms: frozenset[str]
    public_key: PublicKey


def filter_keys(jwks: Iterable[JWK]) -> tuple[ForeignKey, ...]:
    """Keep the keys that can verify a signature; all others are left out silently.

    Raises: InvalidKeySet for more than 100 keys, or a `kid` that two usable keys share.
    """
    candidates = tuple(jwks)
    if len(candidates) > MAXIMUM_KEYS:
        raise InvalidKeySet(f"more than {MAXIMUM_KEYS} keys")
    usable = tuple(key for jwk in candidates if (key := usable_key(jwk)) is not None)
    counts = Counter(key.key_id for key in usable if key.key_id is not None)
    if any(count > 1 for count in counts.values()):
        raise InvalidKeySet("two keys share a kid")
    return usable


def parse_key_set(raw: bytes) -> tuple[ForeignKey, ...]:
    """Read a JWK set and keep its usable keys.

    Raises: InvalidKeySet.
    Source: RFC 7517 section 5.
    """
    if len(raw) > MAXIMUM_SET_BYTES:
        raise InvalidKeySet(f"more than {MAXIMUM_SET_BYTES} bytes")
    try:
        jwks = parse_json_object(raw).get("keys")
    except InvalidJWT as error:
        raise InvalidKeySet(error.detail) from error
    if not isinstance(jwks, list):
        raise InvalidKeySet("keys is not an array")
    return filter_keys(jwk for jwk in jwks if isinstance(jwk, dict))


def usable_key(jwk: JWK) -> ForeignKey | None:
    """Make the key of a JWK; None where it must not verify a signature."""
    try:
        canonical = json.dumps(dict(jwk), sort_keys=True)
    except (TypeError, ValueError):
        return None
    return _usable_key(canonical)


@lru_cache(maxsize=1024)
def _usable_key(canonical: str) -> ForeignKey | None:
    """Parse a JWK once: static keys come with each request, and parsing RSA costs."""
    jwk: JWK = json.loads(canonical)
    if not PRIVATE_MEMBERS.isdisjoint(jwk) or not _is_for_verifying(jwk):
        return None
    kid = jwk.get("kid")
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= MAXIMUM_KID_CHARACTERS):
        return None
    try:
        key = public_key(jwk)
    except InvalidJWK:
        return None
    algorithms = fitting_algorithms(key)
    if "alg" in jwk:
        algorithms = algorithms & {str(jwk["alg"])}
    return ForeignKey(kid, algorithms, key) if algorithms else None


def _is_for_verifying(jwk: JWK) -> bool:
    """Source: RFC 7517 sections 4.2 and 4.3."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig" and isinstance(operations, list) and ("verify" in operations)
    )


@dataclass(slots=True)
class _CachedSet:
    """What is known of one URI; times on the cache's clock, `lock` is held by who fetches."""

    keys: tuple[ForeignKey, ...] = ()
    fetched_at: float | None = None
    attempted_at: float | None = None
    is_fetching: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def age(self, now: float) -> float:
        """Give the seconds since the keys were fetched."""
        return float("inf") if self.fetched_at is None else now - self.fetched_at

    def names(self, kid: str | None) -> bool:
        """Say whether a key of that `kid` may be here; one without a `kid` could be any."""
        return kid is None or any(key.key_id in (kid, None) for key in self.keys)

    def may_fetch(self, now: float) -> bool:
        """Say whether nobody is trying, and the last try is long enough ago."""
        if self.is_fetching:
            return False
        pause = RETRY_SECONDS if self.fetched_at is None else REFETCH_SECONDS
        return self.attempted_at is None or now - self.attempted_at >= pause


class JwksCache:
    """Keeps JWK sets by URI: five minutes fresh, a day where the issuer is down."""

    def __init__(
        self,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_sets: int = CACHED_SETS,
        calls: OutsideCalls | None = None,
    ) -> None:
        """Fetch through the guarded fetch, within the bound on calls; `clock` gives seconds."""
        self._fetch = fetch or partial(
            outgoing.fetch, max_bytes=MAXIMUM_SET_BYTES, accepted_media_types=MEDIA_TYPES
        )
        self._clock = clock
        self._max_sets = max_sets
        self._sets: OrderedDict[str, _CachedSet] = OrderedDict()
        self._lock = threading.Lock()
        self._calls = calls or OutsideCalls()

    def keys(
        self, uri: str, *, kid: str | None = None, tenant_id: UUID | None = None
    ) -> tuple[ForeignKey, ...]:
        """Give the usable keys at a URI; an unknown `kid` fetches again, once a minute at most.

        The tenant is the one for which a fetch counts; the set serves everybody who names its URI.

        Raises: KeysUnavailable.
        """
        cached = self._cached(uri)
        if not self._is_good(cached, kid):
            self._renew(uri, cached, kid, tenant_id)
        if cached.age(self._clock()) > STALE_SECONDS:
            raise KeysUnavailable(uri)
        return cached.keys

    def _cached(self, uri: str) -> _CachedSet:
        with self._lock:
            cached = self._sets.setdefault(uri, _CachedSet())
            self._sets.move_to_end(uri)
            if len(self._sets) > self._max_sets:
                self._sets.popitem(last=False)
            return cached

    def _is_good(self, cached: _CachedSet, kid: str | None) -> bool:
        return cached.age(self._clock()) < FRESH_SECONDS and cached.names(kid)

    def _renew(self, uri: str, cached: _CachedSet, kid: str | None, tenant_id: UUID | None) -> None:
        """Let one thread see to a fetch; others wait for the very first answer only, a moment."""
        patience = MOMENT_SECONDS if cached.attempted_at is None else 0
        if not cached.lock.acquire(timeout=patience):
            return
        try:
            if not self._is_good(cached, kid) and cached.may_fetch(self._clock()):
                self._call(uri, cached, tenant_id)
        finally:
            cached.lock.release()

    def _call(self, uri: str, cached: _CachedSet, tenant_id: UUID | None) -> None:
        """Fetch within the bound on calls; what comes too late for this request serves the next."""
        cached.is_fetching = True
        try:
            self._calls.run(tenant_id, partial(self._fetch_once, uri, cached))
        except NotCalled:
            cached.is_fetching = False
        except NoAnswerYet:
            pass

    def _fetch_once(self, uri: str, cached: _CachedSet) -> None:
        try:
            cached.keys = parse_key_set(self._fetch(uri))
            cached.fetched_at = self._clock()
        except (OutgoingFailed, OutgoingRefused, InvalidKeySet) as error:
            logger.warning("JWK set not renewed", extra={"jwks_uri": uri, "reason": str(error)})
        finally:
            # The pause counts from here, or a slow issuer would be asked again at once.
            cached.attempted_at = self._clock()
            cached.is_fetching = False
