"""Asks the shared store within bounds: never too often, and not while it is away."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from django.conf import settings

from tokens import metrics
from tokens.limits.keys import StoreAway
from tokens.limits.redis_store import LimitCache
from tokens.limits.rows import LimitRows

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.records import Rate
    from tokens.limits.keys import Backoff, Lease, LimitKey

logger = logging.getLogger(__name__)
T = TypeVar("T")
AWAY_SECONDS: Final = 5.0
SHOWN_SECONDS: Final = 60
# However many keys an attacker invents, a process asks no more often than this: for leases, and
# about failures, so that neither keeps the other from the store.
MAX_LEASES_PER_SECOND: Final = 200
MAX_FAILURES_PER_SECOND: Final = 100


def choose_store() -> LimitCache | LimitRows:
    """Make the store that the installation has: Redis where it is named, else PostgreSQL."""
    url = settings.TOKENS_LIMITS_REDIS_URL
    return LimitCache(url) if url else LimitRows()


class _Second:
    """Counts the questions of a second; whoever owns it holds a lock."""

    __slots__ = ("_asked", "_began", "_most")

    def __init__(self, most: int) -> None:
        """Let so many pass in each second."""
        self._most, self._began, self._asked = most, float("-inf"), 0

    def take(self, now: float) -> bool:
        """Say whether one more may be asked, and count it."""
        if now - self._began >= 1:
            self._began, self._asked = now, 0
        self._asked += 1
        return self._asked <= self._most


class SharedStore:
    """The store as the limits see it; it is made at first use, after the fork."""

    def __init__(
        self,
        choose: Callable[[], LimitCache | LimitRows] = choose_store,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what makes the store, and a clock in seconds."""
        self._choose = choose
        self._clock = clock
        self._lock = threading.Lock()
        self._store: LimitCache | LimitRows | None = None
        self._away_until = float("-inf")
        self._leases = _Second(MAX_LEASES_PER_SECOND)
        self._failures = _Second(MAX_FAILURES_PER_SECOND)

    def forget(self) -> None:
        """Begin again, as in a new process."""
        with self._lock:
            store, self._store = self._store, None
            self._away_until = float("-inf")
        if store is not None:
            store.close()

    def take(self, key: LimitKey, rate: Rate, *, used: int, wanted: int) -> Lease:
        """Charge what was used without a lease, and lease up to as many requests more.

        Raises:
            StoreAway: it can't be asked now.
        """
        return self._ask(
            self._leases, lambda store: store.take(key, rate, used=used, wanted=wanted)
        )

    def add_failures(self, key: LimitKey, count: int, backoff: Backoff) -> int:
        """Count failures and answer how many there are in all processes.

        Raises:
            StoreAway: it can't be asked now.
        """
        return self._ask(self._failures, lambda store: store.add_failures(key, count, backoff))

    def clear(self, key: LimitKey) -> None:
        """Forget the failures of a key.

        Raises:
            StoreAway: it can't be asked now.
        """
        self._ask(self._failures, lambda store: store.clear(key))

    def list_limited(self, tenant_id: UUID | None) -> list[tuple[LimitKey, float]]:
        """List whom a tenant told to wait lately, and until when; no tenant: the sign-ins.

        Raises:
            StoreAway: it can't be asked now.
        """
        since = time.time() - SHOWN_SECONDS
        return self._ask(self._leases, lambda store: store.list_limited(tenant_id, since))

    def _ask(self, second: _Second, ask: Callable[[LimitCache | LimitRows], T]) -> T:
        store = self._admit(second)
        try:
            answer = ask(store)
        except StoreAway as error:
            with self._lock:
                self._away_until = self._clock() + AWAY_SECONDS
            logger.warning("limits are held by each process alone: %s", error)
            metrics.count_lease("away")
            raise
        metrics.count_lease("answered")
        return answer

    def _admit(self, second: _Second) -> LimitCache | LimitRows:
        """Answer the store, if it is there and this second's questions are not used up."""
        now = self._clock()
        with self._lock:
            if now < self._away_until or not second.take(now):
                metrics.count_lease("skipped")
                raise StoreAway("not asked")
            if self._store is None:
                self._store = self._choose()
            return self._store
