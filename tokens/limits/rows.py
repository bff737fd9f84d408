"""Shares the limits in PostgreSQL, on a connection of its own: a lease outlives its request."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DjangoDatabaseError

from tokens.limits.delays import FORGET_SECONDS
from tokens.limits.keys import MAX_LIMITED, Lease, LimitKey, LimitKind, StoreAway
from tokens.models import LimitState

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.db.backends.base.base import BaseDatabaseWrapper

    from tenants.records import Rate
    from tokens.limits.keys import Backoff

TIMEOUT_SECONDS: Final = 0.25
PREPARE_THRESHOLD: Final = 5
TIMEOUT_SQL: Final = f"SET LOCAL statement_timeout = '{int(TIMEOUT_SECONDS * 1000)}ms'"
# How long a row says something after its burst has been earned again.
KEPT_SECONDS: Final = 60
NOW: Final = "COALESCE(%(now)s::float8, extract(epoch FROM clock_timestamp())::float8)"
# A bucket as one number: the moment at which all that was leased will have been earned. It is never
# further back than the whole burst; what is between it and now may be leased. Source: ITU-T I.371,
# generic cell rate algorithm, virtual scheduling. Nor is it further ahead than the burst: neither
# many processes, a clock that was set back nor a limit that was raised make anybody wait longer.
TAKE_SQL: Final = f"""
INSERT INTO tokens_limitstate AS state (id, tenant_id, kind, name, address, spent_until, granted,
  failures, limited_until, expires_at)
SELECT %(id)s::uuid, %(tenant_id)s::uuid, %(kind)s::text, %(name)s::text, %(address)s::text,
  spent + granted / rate, granted, 0,
  CASE WHEN granted = 0 THEN to_timestamp(spent + 1 / rate) END,
  to_timestamp(now + burst / rate + {KEPT_SECONDS})
FROM (SELECT *, LEAST(%(wanted)s::int, GREATEST(0, floor((now - spent) * rate)))::int AS granted
  FROM (SELECT *,
    LEAST(now - burst / rate + %(used)s::int / rate, now + burst / rate) AS spent
    FROM (SELECT {NOW} AS now, %(rate)s::float8 AS rate, %(burst)s::float8 AS burst) asked) charged
  ) bucket
ON CONFLICT (id) DO UPDATE SET
  (spent_until, granted, limited_until, expires_at) = (
  SELECT spent + granted / rate, granted,
    CASE WHEN granted = 0 THEN to_timestamp(spent + 1 / rate) ELSE state.limited_until END,
    to_timestamp(GREATEST(now, spent + granted / rate) + burst / rate + {KEPT_SECONDS})
  FROM (SELECT *, LEAST(%(wanted)s::int, GREATEST(0, floor((now - spent) * rate)))::int AS granted
    FROM (SELECT *, LEAST(GREATEST(state.spent_until, now - burst / rate) + %(used)s::int / rate,
        now + burst / rate) AS spent
      FROM (SELECT {NOW} AS now, %(rate)s::float8 AS rate, %(burst)s::float8 AS burst) asked
      ) charged
    ) bucket)
RETURNING granted, GREATEST(0, spent_until + 1 / %(rate)s::float8 - {NOW})
"""  # noqa: S608 - fixed texts.
# The delay of `Backoff`, from now on.
LIMITED: Final = """CASE WHEN failed >= %(free)s::int THEN to_timestamp(
    now + LEAST(%(max)s::float8, 2.0::float8 ^ LEAST(failed - %(free)s::int, 30))) END"""
FAIL_SQL: Final = f"""
INSERT INTO tokens_limitstate AS state (id, tenant_id, kind, name, address, spent_until, granted,
  failures, limited_until, expires_at)
SELECT %(id)s::uuid, %(tenant_id)s::uuid, %(kind)s::text, %(name)s::text, %(address)s::text, 0, 0,
  failed, {LIMITED}, to_timestamp(now + {FORGET_SECONDS})
FROM (SELECT {NOW} AS now, %(count)s::int AS failed) counted
ON CONFLICT (id) DO UPDATE SET (failures, limited_until, expires_at) = (
  SELECT failed, {LIMITED}, to_timestamp(now + {FORGET_SECONDS})
  FROM (SELECT {NOW} AS now, %(count)s::int
    + CASE WHEN state.expires_at > to_timestamp({NOW}) THEN state.failures ELSE 0 END AS failed
    ) counted)
RETURNING failures
"""  # noqa: S608 - as above.
CLEAR_SQL: Final = "DELETE FROM tokens_limitstate WHERE id = %(id)s::uuid"


class LimitRows:
    """The rows of `tokens_limitstate`; one connection for all threads, each statement short."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Go by the database's clock, or by another one in seconds since the epoch."""
        self._clock = clock
        self._lock = threading.Lock()
        self._wrapper: BaseDatabaseWrapper | None = None

    def take(self, key: LimitKey, rate: Rate, *, used: int, wanted: int) -> Lease:
        """Charge what was used without a lease, and lease up to as many requests more.

        Raises:
            StoreAway: the database can't be reached, or another process holds the row.
        """
        limit = {"rate": rate.per_second, "burst": rate.burst, "used": used, "wanted": wanted}
        row = self._run(TAKE_SQL, {**_columns(key), **limit})
        return Lease(row[0], row[1])

    def add_failures(self, key: LimitKey, count: int, backoff: Backoff) -> int:
        """Count failures and answer how many there are in all processes.

        Raises:
            StoreAway: the database can't be reached, or another process holds the row.
        """
        bounds = {"count": count, "free": backoff.free_failures, "max": backoff.max_seconds}
        return int(self._run(FAIL_SQL, {**_columns(key), **bounds})[0])

    def clear(self, key: LimitKey) -> None:
        """Forget the failures of a key.

        Raises:
            StoreAway: the database can't be reached, or another process holds the row.
        """
        self._run(CLEAR_SQL, _columns(key))

    def list_limited(self, tenant_id: UUID | None, since: float) -> list[tuple[LimitKey, float]]:
        """List whom a tenant lets wait until later than `since`: the key, and until when.

        It reads as the request does, so that row-level security holds.
        """
        rows = LimitState.objects.filter(
            tenant=tenant_id, limited_until__gt=datetime.fromtimestamp(since, UTC)
        ).order_by("-limited_until")[:MAX_LIMITED]
        return [
            (LimitKey(LimitKind(row.kind), tenant_id, row.name, row.address), _seconds(row))
            for row in rows
        ]

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._close()

    def _run(self, sql: str, parameters: dict[str, object]) -> tuple[Any, ...]:
        if not self._lock.acquire(timeout=TIMEOUT_SECONDS):
            raise StoreAway("the connection is busy")
        try:
            return self._execute(sql, parameters)
        except (psycopg.Error, DjangoDatabaseError) as error:
            self._close()
            raise StoreAway(type(error).__name__) from error
        finally:
            self._lock.release()

    def _execute(self, sql: str, parameters: dict[str, object]) -> tuple[Any, ...]:
        connection = self._connect()
        now = self._clock() if self._clock else None
        # One round trip, and a time limit that holds behind a pooler as well.
        with connection.pipeline(), connection.transaction():
            connection.execute(TIMEOUT_SQL)
            cursor = psycopg.Cursor(connection)
            cursor.execute(sql, {**parameters, "now": now}, prepare=True)
        return (cursor.fetchone() or ()) if cursor.description else ()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._wrapper is None:
            self._wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
            self._wrapper.inc_thread_sharing()
        self._wrapper.ensure_connection()
        connection: psycopg.Connection[tuple[Any, ...]] = self._wrapper.connection
        # Django switches prepared statements off for its own cursors.
        connection.prepare_threshold = PREPARE_THRESHOLD
        return connection

    def _close(self) -> None:
        if self._wrapper is not None:
            self._wrapper.close()
            self._wrapper = None


def _seconds(row: LimitState) -> float:
    return row.limited_until.timestamp() if row.limited_until else 0.0


def _columns(key: LimitKey) -> dict[str, object]:
    return {
        "id": key.id,
        "tenant_id": key.tenant_id,
        "kind": str(key.kind),
        "name": key.name,
        "address": key.address,
    }
