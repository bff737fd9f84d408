"""Connections that are lost while they store tokens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def locked_table() -> Iterator[Callable[[], None]]:
    """Keep everybody waiting for the tokens; gives what ends the one that waits."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    other = connection.copy()
    other.inc_thread_sharing()

    def end_the_waiting() -> None:
        with other.cursor() as cursor:
            while True:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid])
                if cursor.fetchone() != (0,):
                    break
                time.sleep(0.01)
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.rollback()

    try:
        other.set_autocommit(autocommit=False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE tokens_accesstoken IN ACCESS EXCLUSIVE MODE")
        yield end_the_waiting
    finally:
        other.close()
