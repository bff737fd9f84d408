"""Caches each tenant's configuration and renews it as it changes.

A process holds one number: the highest cut-off up to which every change committed before it has
been applied to, or dropped from, these caches. It never answers "is it revoked".
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from django.conf import settings
from django.db import connection

from tenants.errors import SnapshotUnconfirmed
from tenants.queries.client_core import read_client
from tenants.queries.tenant_core import read_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.records import ClientRecord, TenantSnapshot

K = TypeVar("K")
V = TypeVar("V")
UNCONFIRMED_LIMIT_SECONDS = 5.0
MAX_MISSING = 10_000
# Changes are found by their transaction: whatever ran when the last look was taken has an id at or
# above its xmin and is looked at again, so a change that commits late is never missed.
NEWS_SQL = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
  COALESCE((SELECT max(number) FROM tenants_cutoff), 0),
  ARRAY(SELECT (scope_kind, scope_id, version)::text FROM tenants_configurationchange
    WHERE transaction_id >= %s)
"""


class _Cache(Generic[K, V]):
    """A bounded cache of the most recently used values; safe between threads."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._limit():
                self._values.popitem(last=False)

    def drop(self, is_stale: Callable[[V], bool]) -> None:
        with self._lock:
            for key in [key for key, value in self._values.items() if is_stale(value)]:
                del self._values[key]

    def clear(self) -> None:
        with self._lock:
            self._values.clear()


class _Confirmation(NamedTuple):
    """The number and the moment (monotonic seconds) up to which it holds; replaced as one."""

    number: int
    at: float


NEVER = _Confirmation(0, float("-inf"))


class Snapshot:
    """The configuration that this process answers by."""

    def __init__(self) -> None:
        """Begin with nothing; the first use reads."""
        self._lock = threading.RLock()
        self._tenants: _Cache[str, TenantSnapshot] = _Cache(
            lambda: settings.TENANTS_SNAPSHOT_MAX_TENANTS
        )
        self._clients: _Cache[tuple[UUID, str], ClientRecord] = _Cache(
            lambda: settings.TENANTS_SNAPSHOT_MAX_CLIENTS
        )
        self._missing: set[tuple[UUID, str]] = set()
        self._is_listening = False
        self._generation = 0
        self.forget()

    def forget(self) -> None:
        """Drop everything, as after the listener's connection was lost."""
        with self._lock:
            self._tenants.clear()
            self._clients.clear()
            self._missing.clear()
            self._horizon = 0
            self._confirmation = NEVER
            self._generation += 1

    def listen(self) -> None:
        """Leave the renewal to a listener; requests then only check its age."""
        self._is_listening = True

    def confirm(self) -> int:
        """Answer the cut-off number that this process holds.

        Raises:
            SnapshotUnconfirmed: it has been unconfirmed for more than 5 seconds.
        """
        confirmation = self._confirmation
        age = time.monotonic() - confirmation.at
        if self._is_listening and age <= UNCONFIRMED_LIMIT_SECONDS:
            return confirmation.number
        if self._is_listening and confirmation is not NEVER:
            raise SnapshotUnconfirmed(f"unconfirmed for {age:.0f} seconds")
        if age >= settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS:
            return self.renew()
        return confirmation.number

    def renew(self) -> int:
        """Apply what has changed since the last look and answer the number; one statement."""
        looked_at = time.monotonic()
        with self._lock:
            horizon, number, changes = self._read_news()
            if not self._horizon:
                self._generation += 1
                self._tenants.clear()
                self._clients.clear()
                self._missing.clear()
            self._drop_stale(changes)
            self._horizon = horizon
            self._confirmation = _Confirmation(number, looked_at)
            return number

    def tenant(self, path: str) -> TenantSnapshot | None:
        """Answer the core of the tenant with this issuer path."""
        cached = self._tenants.get(path)
        if cached is not None:
            return cached
        generation = self._generation
        core = read_core(path, base_url=settings.TENANTS_BASE_URL)
        if core is not None:
            with self._lock:
                if generation == self._generation:
                    self._tenants.put(path, core)
        return core

    def client(self, tenant: TenantSnapshot, client_id: str) -> ClientRecord | None:
        """Answer the tenant's client of this id."""
        key = (tenant.id, client_id)
        cached = self._clients.get(key)
        if cached is not None or key in self._missing:
            return cached
        generation = self._generation
        client = read_client(tenant.id, client_id)
        with self._lock:
            if generation == self._generation:
                self._keep_client(key, client)
        return client

    def _keep_client(self, key: tuple[UUID, str], client: ClientRecord | None) -> None:
        """Keep a client; one that is not there is remembered, too, so that time tells nothing."""
        if client is not None:
            self._clients.put(key, client)
        elif len(self._missing) < MAX_MISSING:
            self._missing.add(key)

    def held_client(self, tenant: TenantSnapshot, client_id: str) -> ClientRecord | None:
        """Answer the client of this id if this process holds it; reads nothing."""
        return self._clients.get((tenant.id, client_id))

    def _read_news(self) -> tuple[int, int, list[str]]:
        since = self._horizon or 2**62
        with connection.cursor() as cursor:
            cursor.execute(NEWS_SQL, [since])
            horizon, number, changes = cursor.fetchone()
        return int(horizon), int(number), changes

    def _drop_stale(self, changes: list[str]) -> None:
        """Drop in one pass what is older than its newest change; readers meanwhile keep nothing."""
        if not changes:
            return
        self._generation += 1
        self._missing.clear()
        newest = _newest_versions(changes)
        self._clients.drop(lambda c: c.version < newest.get(("client", str(c.id)), 0))
        platform = newest.get(("platform", "1"), 0)
        self._tenants.drop(
            lambda t: (
                t.platform_version < platform
                or t.version < newest.get(("tenant", str(t.id)), 0)
                or t.environment_version < newest.get(("environment", str(t.environment_id)), 0)
            )
        )


def _newest_versions(changes: list[str]) -> dict[tuple[str, str], int]:
    """Read the newest version of each changed scope."""
    newest: dict[tuple[str, str], int] = {}
    for change in changes:
        kind, scope_id, version = change.strip("()").split(",")
        newest[kind, scope_id] = max(newest.get((kind, scope_id), 0), int(version))
    return newest


CURRENT = Snapshot()
