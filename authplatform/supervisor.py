"""Runs the whole platform on one machine: `make run`."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from authplatform import supervisor_installation as installation
from authplatform import supervisor_services as services
from authplatform.env import Environment, InvalidEnvironment, Stage, read_environment
from authplatform.postgres import EmbeddedPostgres, PostgresRefused
from authplatform.supervisor_children import Child, stop_all

if TYPE_CHECKING:
    from types import FrameType

POLL_SECONDS = 0.2
REFUSALS = (installation.StartRefused, InvalidEnvironment, PostgresRefused, PermissionError)


class Ended(Exception):
    """Ctrl-C, or a request to terminate."""


def main() -> int:
    """Run until somebody ends the platform; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    os.environ.setdefault("AUTHPLATFORM_ENVIRONMENT", Stage.EMBEDDED)
    try:
        with installation.claim() as was_killed:
            environment = read_environment()
            installation.probe_ports(environment, patient=was_killed)
            _run(environment)
    except Ended:
        return 0
    except REFUSALS as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


def _run(environment: Environment) -> None:
    """Start everything in order, watch it, and stop it in reverse, whatever happens."""
    postgres = _find_postgres(environment)
    children: list[Child] = []
    try:
        if postgres:
            postgres.start()
        services.prepare_database(environment)
        services.start_all(environment, children)
        _watch(children, postgres)
    finally:
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop_all(children)
        if postgres:
            postgres.stop()


def _find_postgres(environment: Environment) -> EmbeddedPostgres | None:
    if not environment.is_database_embedded:
        return None
    return EmbeddedPostgres(environment.data_directory / "postgres")


def _watch(children: list[Child], postgres: EmbeddedPostgres | None) -> None:
    """Start again whatever dies."""
    while True:
        if postgres and postgres.has_died():
            sys.stderr.write("PostgreSQL ended unexpectedly; it is started again.\n")
            postgres.start()
        for child in children:
            child.revive()
        time.sleep(POLL_SECONDS)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Ended


if __name__ == "__main__":
    sys.exit(main())
