"""Renews the snapshot at each notification, and every second in case one was lost."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import psycopg
from django.db import connection

from tenants.services.announcements import CHANNEL
from tenants.snapshot import CURRENT, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
CONNECT_SECONDS = 5
# What Django gives its own connection beside the parameters of libpq.
NOT_FOR_LISTENING = frozenset(("context", "cursor_factory", "prepare_threshold"))


def start(
    held: Snapshot = CURRENT,
    *,
    stopping: threading.Event | None = None,
    renewed: Callable[[], None] = lambda: None,
) -> threading.Thread:
    """Start the listener; call it in each process after the fork, never before.

    It stops within a second after `stopping` is set; without one it goes with the process. After
    each renewal it calls `renewed`.
    """
    held.listen()
    thread = threading.Thread(
        target=_listen,
        args=[held, stopping or threading.Event(), renewed],
        name="snapshot-listener",
        daemon=True,
    )
    thread.start()
    return thread


def _listen(held: Snapshot, stopping: threading.Event, renewed: Callable[[], None]) -> None:
    pause = FIRST_PAUSE_SECONDS
    while not stopping.is_set():
        try:
            with connect() as listening:
                # Notifications were lost while nobody listened, so nothing cached is trusted.
                held.forget()
                pause = FIRST_PAUSE_SECONDS
                _renew_while_connected(held, listening, stopping, renewed)
        except Exception as error:  # noqa: BLE001 - without this thread the process answers 503.
            logger.warning("snapshot listener lost the database: %s", type(error).__name__)
            connection.close()
            stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    connection.close()


def connect() -> psycopg.Connection[tuple[object, ...]]:
    """Open a session that listens, to the same server, by the same means and in the same role."""
    parameters = {"connect_timeout": CONNECT_SECONDS, **connection.get_connection_params()}
    known = {name: value for name, value in parameters.items() if name not in NOT_FOR_LISTENING}
    listening = psycopg.connect(**known, autocommit=True)
    listening.execute(f"LISTEN {CHANNEL}")
    return listening


def _renew_while_connected(
    held: Snapshot,
    listening: psycopg.Connection[tuple[object, ...]],
    stopping: threading.Event,
    renewed: Callable[[], None],
) -> None:
    while not stopping.is_set():
        held.renew()
        renewed()
        for _ in listening.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
