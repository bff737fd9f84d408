"""Counts every refusal by tenant, minute, client and reason, and writes the counts in batches.

The refused request only raises a number in a dictionary; a thread of its own writes.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import Error, connection

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger(__name__)
FLUSH_SECONDS: Final = 10.0
MINUTE_SECONDS: Final = 60
MAX_PENDING: Final = 20_000
# One row per tenant, minute, client and reason: what is counted twice is added up.
_UPSERT: Final = """
INSERT INTO tokens_refusalcount AS total (tenant_id, minute, client_id, reason, count)
SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[], %s::text[], %s::bigint[])
ON CONFLICT (tenant_id, minute,
  COALESCE(client_id, '00000000-0000-0000-0000-000000000000'::uuid), reason)
DO UPDATE SET count = total.count + EXCLUDED.count
"""


class CountKey(NamedTuple):
    """What is counted together; the minute in seconds since the epoch, no client where unknown."""

    tenant_id: UUID
    minute: int
    client: UUID | None
    reason: str


_pending: Counter[CountKey] = Counter()
_lock = threading.Lock()


def add(*, tenant_id: UUID, client: UUID | None, reason: str, now: float) -> None:
    """Count one refusal; beyond the bound, clients are no longer told apart, nor tenants missed."""
    minute = int(now) // MINUTE_SECONDS * MINUTE_SECONDS
    key = CountKey(tenant_id, minute, client, reason)
    with _lock:
        if key not in _pending and len(_pending) >= MAX_PENDING:
            key = key._replace(client=None)
        _pending[key] += 1


def forget() -> None:
    """Drop what is pending, as a new process has nothing."""
    with _lock:
        _pending.clear()


def flush() -> int:
    """Write the pending counts in one statement and answer how many refusals they stand for."""
    with _lock:
        counts = dict(_pending)
        _pending.clear()
    if not counts:
        return 0
    try:
        _write(counts)
    except Error:
        with _lock:
            _pending.update(counts)
        raise
    return sum(counts.values())


def _write(counts: dict[CountKey, int]) -> None:
    # In one order everywhere, so that two processes never wait for each other in a circle.
    keys = sorted(counts, key=str)
    minutes = [datetime.fromtimestamp(key.minute, UTC) for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT,
            [
                [key.tenant_id for key in keys],
                minutes,
                [key.client for key in keys],
                [key.reason for key in keys],
                [counts[key] for key in keys],
            ],
        )


def start() -> threading.Thread:
    """Start the thread that writes; call it in each process after the fork."""
    stopping = threading.Event()
    thread = threading.Thread(
        target=_flush_for_ever, args=[stopping], name="refusal-counts", daemon=True
    )
    thread.start()
    atexit.register(_stop, stopping, thread)
    return thread


def _flush_for_ever(stopping: threading.Event) -> None:
    while not stopping.wait(FLUSH_SECONDS):
        _try_to_flush()
    _try_to_flush()


def _try_to_flush() -> None:
    try:
        flush()
    except Error as error:
        logger.warning("counts of refusals wait for the database: %s", type(error).__name__)
        connection.close()


def _stop(stopping: threading.Event, thread: threading.Thread) -> None:
    stopping.set()
    thread.join(timeout=2)
