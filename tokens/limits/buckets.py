"""Counts the requests of one key in one process, and says when to ask the shared store. Pure.

Up to a lease a process counts for itself. From then on it reports what it used and takes leases, so
that all processes together stay within the limit and one lease for each of them. What it has not
reported it forgets by and by, at a small part of the rate.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from tokens.limits.keys import Lease, lease_size

if TYPE_CHECKING:
    from tenants.records import Rate

WINDOW_SECONDS: Final = 10.0
# What one process forgets each second, as a part of what the limit earns: this much is not shared.
FORGOTTEN_PART: Final = 1 / 32
# A changed setting holds after so long.
RECHECK_SECONDS: Final = 1.0
# Whoever was refused asks the store no more often than this.
MIN_WAIT_SECONDS: Final = 0.1


class Step(Enum):
    """What a bucket says of a request besides a time to wait."""

    ADMITTED = 0
    LEASE_NEEDED = 1


class Bucket:
    """The requests of one key. `room` may be taken without asking until `checked_until`.

    Times are in seconds of a clock that never goes back.
    """

    __slots__ = (
        "_alone_until",
        "_filled_at",
        "_given",
        "_is_alone",
        "_is_hot",
        "_leased",
        "_level",
        "_refused_until",
        "_unreported",
        "_window_ends",
        "_window_used",
        "checked_until",
        "rate",
        "room",
    )

    def __init__(self, rate: Rate, now: float) -> None:
        """Begin with the whole burst."""
        self.rate = rate
        self.room = self._given = 0
        self.checked_until = now
        self._level, self._filled_at = float(rate.burst), now
        self._is_hot = self._is_alone = False
        self._leased = self._window_used = 0
        self._unreported = 0.0
        self._window_ends = now + WINDOW_SECONDS
        self._refused_until = self._alone_until = now

    def settle(self, rate: Rate, now: float) -> None:
        """Account for what was taken since, at the rate that holds from now on."""
        used = self._given - self.room
        self.room = self._given = 0
        earned = max(0.0, now - self._filled_at) * rate.per_second
        self._level = min(float(rate.burst), self._level + earned - used)
        self._filled_at = now
        self._window_used += used
        if self._is_alone:
            self._is_alone = False  # What passed without the store is charged by nobody.
        elif self._is_hot:
            self._leased -= used
        else:
            self._unreported += used
        if rate != self.rate:
            self._change_rate(rate, now)
        if now >= self._window_ends:
            self._begin_window(now)

    def _change_rate(self, rate: Rate, now: float) -> None:
        """Neither wait nor spend by what the setting said before."""
        self.rate = rate
        self._refused_until = now
        self._leased = min(self._leased, lease_size(rate))

    def _begin_window(self, now: float) -> None:
        """Forget what was too little to be shared; a busy key stays shared."""
        if self._window_used <= lease_size(self.rate):
            self._is_hot = False
            self._leased = 0
            seconds = now - self._window_ends + WINDOW_SECONDS
            forgotten = seconds * self.rate.per_second * FORGOTTEN_PART
            self._unreported = max(0.0, self._unreported - forgotten)
        self._window_used = 0
        self._window_ends = now + WINDOW_SECONDS

    def open(self, now: float) -> Step | float:
        """Let one request pass and make room for more, or say what it needs or how long to wait."""
        if now < self._refused_until:
            return self._refused_until - now
        if now < self._alone_until:
            return self._open_alone(now)
        size = lease_size(self.rate)
        # Whoever has used up the burst by itself asks, too: what it reported may have been lost.
        free = self._leased if self._is_hot else int(min(size - self._unreported, self._level))
        if free < 1:
            return Step.LEASE_NEEDED
        return self._make_room(free, now)

    def take_report(self) -> tuple[int, int]:
        """Answer what is to be reported, and how many requests to lease; it counts as reported."""
        reported = int(self._unreported)
        self._unreported -= reported
        self._is_hot = True
        return reported, lease_size(self.rate)

    def credit(self, lease: Lease, now: float) -> Step | float:
        """Take a lease, and let one request pass by it; without one, wait."""
        self._leased += lease.granted
        if self._leased < 1:
            wait = max(lease.wait_seconds, MIN_WAIT_SECONDS)
            self._refused_until = now + wait
            return wait
        return self._make_room(self._leased, now)

    def stand_alone(self, now: float) -> Step | float:
        """Hold the limit without the others for a while, as if nobody else were there."""
        self._alone_until = now + RECHECK_SECONDS
        return self._open_alone(now)

    def _open_alone(self, now: float) -> Step | float:
        if self._level < 1:
            return (1 - self._level) / self.rate.per_second
        self._is_alone = True
        return self._make_room(int(self._level), now)

    def _make_room(self, free: int, now: float) -> Step:
        self._given = free
        self.room = free - 1
        self.checked_until = min(self._window_ends, now + RECHECK_SECONDS)
        return Step.ADMITTED
