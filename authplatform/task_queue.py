"""Installs the task queue's tables in PostgreSQL, for installations without another broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from pgmq.install import get_embedded_install_sql

from tenants.database_roles import APP

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

GRANTS = (
    f"GRANT USAGE, CREATE ON SCHEMA pgmq TO {APP}",
    f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgmq TO {APP}",
    f"GRANT ALL ON ALL TABLES IN SCHEMA pgmq TO {APP}",
    f"GRANT ALL ON ALL SEQUENCES IN SCHEMA pgmq TO {APP}",
)
ADVISORY_LOCK = 0x70676D71  # "pgmq": two installations at once would both create the schema.


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the schema pgmq where it is missing, and let the tasks' role work in it."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        cursor.execute("SELECT to_regclass('pgmq.meta') IS NULL")
        if cursor.fetchone() == (True,):
            cursor.execute(get_embedded_install_sql())
        for statement in GRANTS:
            cursor.execute(statement)
