"""Renews the snapshot at each notification, and every second in case one was lost."""

from __future__ import annotations

import logging
import threading
import time

import psycopg
from django.db import connection

from tenants.services.changes import CHANNEL
from tenants.snapshot import CURRENT

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def start() -> threading.Thread:
    """Start the listener; call it in each process after the fork, never before."""
    CURRENT.listen()
    thread = threading.Thread(target=_listen_for_ever, name="snapshot-listener", daemon=True)
    thread.start()
    return thread


def _listen_for_ever() -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            with _connect() as listening:
                # Notifications were lost while nobody listened, so nothing cached is trusted.
                CURRENT.forget()
                pause = FIRST_PAUSE_SECONDS
                _renew_while_connected(listening)
        except Exception as error:  # noqa: BLE001 - without this thread the process answers 503.
            logger.warning("snapshot listener lost the database: %s", type(error).__name__)
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _connect() -> psycopg.Connection[tuple[object, ...]]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port", "options")
    known = {name: parameters[name] for name in names if parameters.get(name)}
    listening = psycopg.connect(**known, autocommit=True, connect_timeout=5)
    listening.execute(f"LISTEN {CHANNEL}")
    return listening


def _renew_while_connected(listening: psycopg.Connection[tuple[object, ...]]) -> None:
    while True:
        CURRENT.renew()
        for _ in listening.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
