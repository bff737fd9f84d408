"""Tells every process at commit that something has changed."""

from __future__ import annotations

from typing import Final

from django.db import connection

CHANNEL: Final = "authplatform_configuration"


def announce() -> None:
    """Notify the snapshots' listeners when the transaction commits; the message says nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
