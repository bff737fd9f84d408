"""Remembers which secret, master token or registered client was used when, and writes in batches.

The token path only puts a number into a dictionary; a thread of its own writes.
"""

from __future__ import annotations

import atexit
import logging
import threading
from typing import TYPE_CHECKING, Final

from django.db import Error, connection

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger(__name__)
FLUSH_SECONDS: Final = 10.0
MAX_PENDING: Final = 100_000
_pending: dict[UUID, float] = {}
# Ids are unique, so each use finds its row in one of the three tables.
# Rows are locked in the order of their ids, so that two processes can't wait for one another.
_UPDATE: Final = """
WITH used AS (SELECT * FROM unnest(%s::uuid[], %s::float8[]) AS used (id, at)),
secrets AS MATERIALIZED (SELECT id FROM tenants_clientsecret
  WHERE id IN (SELECT id FROM used) ORDER BY id FOR UPDATE),
masters AS MATERIALIZED (SELECT id FROM tenants_mastertoken
  WHERE id IN (SELECT id FROM used) ORDER BY id FOR UPDATE),
registered AS MATERIALIZED (SELECT id, client_id FROM tenants_clientregistration
  WHERE client_id IN (SELECT id FROM used) ORDER BY id FOR UPDATE),
registrations AS (UPDATE tenants_clientregistration r SET last_used_at = to_timestamp(used.at)
  FROM used JOIN registered ON registered.client_id = used.id
  WHERE r.id = registered.id AND r.last_used_at < to_timestamp(used.at)),
master_tokens AS (UPDATE tenants_mastertoken m SET last_used_at = to_timestamp(used.at)
  FROM used JOIN masters USING (id)
  WHERE m.id = used.id AND (m.last_used_at IS NULL OR m.last_used_at < to_timestamp(used.at)))
UPDATE tenants_clientsecret s SET last_used_at = to_timestamp(used.at)
FROM used JOIN secrets USING (id)
WHERE s.id = used.id AND (s.last_used_at IS NULL OR s.last_used_at < to_timestamp(used.at))
"""


def record(secret_id: UUID, now: float) -> None:
    """Remember a use; costs a dictionary entry."""
    if len(_pending) < MAX_PENDING or secret_id in _pending:
        _pending[secret_id] = now


def flush() -> int:
    """Write the pending uses in one statement and answer how many there were."""
    uses = dict(_pending)
    if not uses:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [list(uses), list(uses.values())])
    for secret_id, at in uses.items():
        if _pending.get(secret_id) == at:
            _pending.pop(secret_id, None)
    return len(uses)


def count_pending() -> int:
    """Say how many uses wait to be written."""
    return len(_pending)


def forget() -> None:
    """Drop what waits, as at the start of a process."""
    _pending.clear()


def start(stopping: threading.Event | None = None) -> threading.Thread:
    """Start the thread that writes; call it in each process after the fork.

    It writes once more when `stopping` is set, and when the process ends.
    """
    stopping = stopping or threading.Event()
    thread = threading.Thread(
        target=_flush_for_ever, args=[stopping], name="secret-uses", daemon=True
    )
    thread.start()
    atexit.register(_stop, stopping, thread)
    return thread


def _flush_for_ever(stopping: threading.Event) -> None:
    while not stopping.wait(FLUSH_SECONDS):
        _try_to_flush()
    _try_to_flush()
    connection.close()


def _try_to_flush() -> None:
    try:
        flush()
    except Error as error:
        logger.warning("uses of secrets wait for the database: %s", type(error).__name__)
        connection.close()


def _stop(stopping: threading.Event, thread: threading.Thread) -> None:
    stopping.set()
    thread.join(timeout=2)
