"""Starts what is compared, on the same PostgreSQL and the same web server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from authplatform import postgres_socket
from authplatform.postgres import EmbeddedPostgres, owner_url
from authplatform.secret_file import generate_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
CHAINS = 16 * 12  # Each run of the refresh row uses up sixteen.
WORKERS = 2
START_TIMEOUT_SECONDS = 30.0
TOOLKIT_DATABASE = "toolkit"


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server and what its database was filled with."""

    name: str
    base_url: str
    process: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Database:
    """The PostgreSQL of this run, as production would set it: every commit is flushed."""

    folder: Path
    process: int

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the cluster's superuser."""
        host = str(postgres_socket.locate(self.folder))
        return psycopg.connect(host=host, user="postgres", dbname=database, autocommit=True)

    def log_statements(self, *, enabled: bool) -> None:
        """Write every statement into the log, or stop doing so; takes a moment to arrive."""
        with self.connect("postgres") as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{'all' if enabled else 'none'}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)

    def count_statements(self) -> int:
        """Count the statements in the log."""
        lines = (self.folder / "postgres.log").read_text(errors="replace").splitlines()
        return sum("LOG:  execute " in line or "LOG:  statement: " in line for line in lines)


@contextlib.contextmanager
def database() -> Iterator[Database]:
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


@contextlib.contextmanager
def ours(running: Database) -> Iterator[Server]:
    """Run the platform's web server with one tenant."""
    variables = {
        **os.environ,
        **generate_secrets(),
        "AUTHPLATFORM_ENVIRONMENT": "test",
        "CELERY_BROKER_URL": "memory://",
        "DATABASE_URL": owner_url(running.folder),
        "DATABASE_ROLE": "",
        "DATA_DIR": str(running.folder.parent),
        "DJANGO_SETTINGS_MODULE": "authplatform.settings",
    }
    _call([sys.executable, "manage.py", "prepare_database", "--verbosity=0"], variables)
    facts = json.loads(_call([sys.executable, "-m", "benchmarks.prepare", str(CHAINS)], variables))
    variables["DATABASE_ROLE"] = "authplatform_app"
    with _serve("authplatform.wsgi:application", variables) as (base_url, process):
        yield Server("authplatform", base_url, process, facts)


@contextlib.contextmanager
def toolkit(running: Database) -> Iterator[Server]:
    """Run django-oauth-toolkit with a plain secret."""
    with running.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {TOOLKIT_DATABASE} OWNER authplatform_owner")
    variables = {
        **os.environ,
        "SECRET_KEY": generate_secrets()["SECRET_KEY"],
        "DATABASE_URL": owner_url(running.folder, TOOLKIT_DATABASE),
        "DJANGO_SETTINGS_MODULE": "benchmarks.toolkit_site.settings",
    }
    prepare = [sys.executable, "-m", "benchmarks.toolkit_site.prepare", str(CHAINS)]
    facts = json.loads(_call(prepare, variables))
    with _serve("benchmarks.toolkit_site.wsgi:application", variables) as (base_url, process):
        yield Server("django-oauth-toolkit, plain secret", base_url, process, facts)


def _call(command: list[str], variables: Mapping[str, str]) -> str:
    outcome = subprocess.run(  # noqa: S603 - our own commands.
        command, cwd=ROOT, env=dict(variables), stdout=subprocess.PIPE, text=True, check=True
    )
    return outcome.stdout


@contextlib.contextmanager
def _serve(application: str, variables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-access-log"]
    command += [application, "--host=127.0.0.1", f"--port={port}", f"--workers={WORKERS}"]
    command += ["--blocking-threads=2", "--log-level=warning"]
    with subprocess.Popen(command, cwd=ROOT, env=dict(variables)) as process:  # noqa: S603
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1)  # The second worker, and the snapshot's listener.
                return
        time.sleep(0.05)
    raise TimeoutError("the web server did not start")
