"""The PostgreSQL of a run, as production would set it: every commit is flushed."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from authplatform import postgres_socket
from authplatform.postgres import DATABASE, OWNER, EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

RELOAD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Database:
    """A running server, its folder and its first process."""

    folder: Path
    process: int

    @property
    def host(self) -> str:
        """The folder of the server's socket."""
        return str(postgres_socket.locate(self.folder))

    @property
    def log(self) -> Path:
        """What the server writes down."""
        return self.folder / "postgres.log"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the cluster's superuser."""
        return psycopg.connect(host=self.host, user="postgres", dbname=database, autocommit=True)

    def create(self, database: str) -> None:
        """Create one more database of the platform's owner."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}" OWNER {OWNER}')

    def client_variables(self, database: str = DATABASE) -> dict[str, str]:
        """Answer the variables by which libpq and its like find a database as its owner."""
        return {"PGHOST": self.host, "PGUSER": OWNER, "PGDATABASE": database}

    @contextlib.contextmanager
    def logging_statements(self) -> Iterator[int]:
        """Write every statement into the log; give the log's length before."""
        self._set_logging("all")
        try:
            yield self.log.stat().st_size
        finally:
            self._set_logging("none")

    def count_statements(self, since: int) -> int:
        """Count the statements in the log behind its first `since` bytes."""
        with self.log.open("rb") as log:
            log.seek(since)
            return sum(b"LOG:  execute " in line or b"LOG:  statement: " in line for line in log)

    def _set_logging(self, choice: str) -> None:
        with self.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{choice}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(RELOAD_SECONDS)  # It takes a moment to reach every process.


@contextlib.contextmanager
def running() -> Iterator[Database]:
    """Run a PostgreSQL in a folder that goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="authplatform-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        postgres = EmbeddedPostgres(folder / "postgres")
        postgres.start()
        try:
            pid = int((postgres.cluster / "postmaster.pid").read_text().split()[0])
            yield Database(folder / "postgres", pid)
        finally:
            postgres.stop()
