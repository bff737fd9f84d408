"""Delays whoever fails to authenticate, longer each time, without delaying anybody else.

What is delayed is a pair: who the caller says it is, and its address.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from tokens.limits.keys import StoreAway
from tokens.limits.memory import RecentValues

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokens.limits.keys import Backoff, LimitKey, LimitStore

MAX_KEYS: Final = 20_000
# Failures are forgotten when there was none for so long; it is more than the longest delay.
FORGET_SECONDS: Final = 1_800
# The first failures of a key stay in the process: mistakes happen.
UNSHARED_FAILURES: Final = 1
# So long whoever was delayed may try alone: else every thread lets one guess more pass.
TRIAL_SECONDS: Final = 1.0


class _Failures:
    """The failures of one key; times are in seconds of a clock that never goes back."""

    __slots__ = ("count", "forget_at", "is_delayed", "is_shared", "unreported", "until")

    def __init__(self) -> None:
        self.count = self.unreported = 0
        self.until = self.forget_at = 0.0
        self.is_shared = self.is_delayed = False

    def note(self, count: int, backoff: Backoff, now: float) -> None:
        """Take a new count; the delay begins now."""
        delay = backoff.delay_seconds(count)
        self.count, self.is_delayed = count, delay > 0
        self.until = now + delay
        self.forget_at = now + FORGET_SECONDS


class FailureDelays:
    """The failures of every key that failed lately, bounded.

    As long as `has_failures` is false nothing needs to be asked.
    """

    def __init__(
        self,
        read_backoff: Callable[[], Backoff],
        store: LimitStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        """Take the settings' reader, the shared store and a clock in seconds."""
        self._read_backoff = read_backoff
        self._store = store
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self.forget()

    def __len__(self) -> int:
        """Count the keys that this process remembers."""
        return len(self._failures)

    def forget(self) -> None:
        """Begin again, as in a new process."""
        with self._lock:
            self._failures: RecentValues[LimitKey, _Failures] = RecentValues(self._max_keys)
            self.has_failures = False

    def attempt(self, key: LimitKey) -> float | None:
        """Answer how long the key may not be tried, 0 for one try now, None without failures."""
        with self._lock:
            failures = self._failures.get(key)
            if failures is None:
                return None
            now = self._clock()
            if failures.until > now:
                return failures.until - now
            if failures.is_delayed and now < failures.forget_at:
                failures.until = now + TRIAL_SECONDS
            return 0.0

    def count(self, key: LimitKey) -> None:
        """Count one failure; who tries while delayed was not tried and is not counted."""
        backoff = self._read_backoff()
        with self._lock:
            now = self._clock()
            failures = self._failures.get(key)
            if failures is None or failures.forget_at <= now:
                failures = _Failures()
                self._failures.put(key, failures)
                self.has_failures = True
            failures.note(failures.count + 1, backoff, now)
            failures.unreported += 1
            if failures.count <= UNSHARED_FAILURES and not failures.is_shared:
                return
            unreported, failures.unreported = failures.unreported, 0
        self._share(key, failures, unreported, backoff)

    def _share(self, key: LimitKey, failures: _Failures, unreported: int, backoff: Backoff) -> None:
        """Report failures, and learn of those of the other processes."""
        try:
            total = self._store.add_failures(key, unreported, backoff)
        except StoreAway:
            return
        with self._lock:
            failures.is_shared = True
            failures.note(max(total, failures.count), backoff, self._clock())

    def clear(self, key: LimitKey) -> None:
        """Forget the failures of whoever has authenticated."""
        with self._lock:
            failures = self._failures.drop(key)
            self.has_failures = len(self._failures) > 0
        if failures is not None and failures.is_shared:
            try:
                self._store.clear(key)
            except StoreAway:
                return  # It forgets by itself.
