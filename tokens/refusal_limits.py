"""Decides which refusals keep a trace, so that an attack costs a bounded number of writes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

# The tenant, the client or address, and the reason code.
RefusalKey: TypeAlias = "tuple[UUID, str, str]"
WINDOW_SECONDS: Final = 60
MAX_KEYS: Final = 10_000


class TraceLimits:
    """The first few refusals of a kind in each minute, within a rate of all together.

    Both bounds are those of one process. The rate is a token bucket that holds one second's worth.
    """

    def __init__(
        self,
        *,
        per_minute: Callable[[], int],
        per_second: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the bounds, which may change, and a clock in seconds."""
        self._per_minute = per_minute
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin again, as in a new process."""
        self._window = -1
        self._taken: dict[RefusalKey, int] = {}
        self._filled_at = float("-inf")
        self._tokens = 0.0

    def take(self, key: RefusalKey) -> bool:
        """Say whether one more refusal of this kind keeps a trace, and count it if so."""
        now = self._clock()
        with self._lock:
            return self._is_early(key, now) and self._has_token(now) and self._count(key)

    def _is_early(self, key: RefusalKey, now: float) -> bool:
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._taken = window, {}
        taken = self._taken.get(key, 0)
        has_room = taken > 0 or len(self._taken) < MAX_KEYS
        return has_room and taken < self._per_minute()

    def _has_token(self, now: float) -> bool:
        rate = self._per_second()
        self._tokens = min(float(rate), self._tokens + max(0.0, now - self._filled_at) * rate)
        self._filled_at = now
        return self._tokens >= 1

    def _count(self, key: RefusalKey) -> bool:
        self._tokens -= 1
        self._taken[key] = self._taken.get(key, 0) + 1
        return True
