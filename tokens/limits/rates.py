"""Holds the requests of many keys to their rates, over all processes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from tokens.limits.buckets import Bucket, Step
from tokens.limits.keys import LimitKey, StoreAway
from tokens.limits.memory import RecentValues

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.records import ClientRecord, Rate, TenantSnapshot
    from tokens.limits.keys import LimitKind, LimitStore

    # The tenant's path, the client and the address: what tells keys apart within a process.
    OwnKey = tuple[str, str, str]

MAX_KEYS: Final = 20_000


class RequestRates:
    """One kind of limit: a bucket for each key that was seen lately."""

    def __init__(
        self,
        kind: LimitKind,
        read_rate: Callable[[TenantSnapshot | None, ClientRecord | None], Rate],
        store: LimitStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        """Take the settings' reader, the shared store and a clock in seconds."""
        self._kind = kind
        self._read_rate = read_rate
        self._store = store
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self.forget()

    def __len__(self) -> int:
        """Count the keys that this process remembers."""
        return len(self._buckets)

    def forget(self) -> None:
        """Begin again, as in a new process."""
        with self._lock:
            self._buckets: RecentValues[OwnKey, Bucket] = RecentValues(self._max_keys)

    def wait_seconds(
        self,
        tenant: TenantSnapshot | None,
        client: ClientRecord | None,
        name: str = "",
        address: str = "",
    ) -> float:
        """Count one request; answer 0 if it may pass, else how long its caller has to wait."""
        key = (tenant.path if tenant else "", name, address)
        now = self._clock()
        with self._lock:
            bucket = self._buckets.young.get(key)
            # Nearly every request ends here; whatever else there is to know waits for the rest.
            if bucket is not None and bucket.room > 0 and now < bucket.checked_until:
                bucket.room -= 1
                return 0.0
        return self._ask(key, self._read_rate(tenant, client), tenant.id if tenant else None, now)

    def _ask(self, key: OwnKey, rate: Rate, tenant_id: UUID | None, now: float) -> float:
        with self._lock:
            bucket = self._find_bucket(key, rate, now)
            step = bucket.open(now)
            if step is not Step.LEASE_NEEDED:
                return _wait_of(step)
            used, wanted = bucket.take_report()
        shared = LimitKey(self._kind, tenant_id, key[1], key[2])
        try:
            # Without the lock: other keys need not wait for the store.
            lease = self._store.take(shared, rate, used=used, wanted=wanted)
        except StoreAway:
            lease = None
        with self._lock:
            now = self._clock()
            bucket = self._find_bucket(key, rate, now)
            return _wait_of(bucket.stand_alone(now) if lease is None else bucket.credit(lease, now))

    def _find_bucket(self, key: OwnKey, rate: Rate, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = Bucket(rate, now)
            self._buckets.put(key, bucket)
        bucket.settle(rate, now)
        return bucket


def _wait_of(step: Step | float) -> float:
    return 0.0 if isinstance(step, Step) else step
