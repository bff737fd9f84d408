"""Starts web servers as children, waits until they listen, and ends them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
WORKERS = 2
THREADS = 2
START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 10.0
SETTLE_SECONDS = 1.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server and what its database was filled with."""

    base_url: str
    process: int
    facts: Mapping[str, Any]


def call(command: list[str], variables: Mapping[str, str], read: str = "") -> str:
    """Run one of our own commands and answer what it writes; `read` is its standard input."""
    outcome = subprocess.run(  # noqa: S603 - our own commands.
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        input=read,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return outcome.stdout


def granian(application: str, port: int) -> list[str]:
    """Write the command of granian as the platform's supervisor does."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-access-log"]
    command += [application, "--host=127.0.0.1", f"--port={port}", f"--workers={WORKERS}"]
    return [*command, f"--blocking-threads={THREADS}", "--log-level=warning"]


def gunicorn(application: str, port: int) -> list[str]:
    """Write the command of gunicorn with as many processes and threads."""
    command = [sys.executable, "-m", "gunicorn", application, f"--bind=127.0.0.1:{port}"]
    command += [f"--workers={WORKERS}", f"--threads={THREADS}", "--worker-class=gthread"]
    return [*command, "--log-level=warning"]


@contextlib.contextmanager
def serve(
    command: list[str], port: int, variables: Mapping[str, str], facts: Mapping[str, Any]
) -> Iterator[Server]:
    """Run a server until the block ends."""
    with running(command, variables) as process:
        wait_until_it_listens(port, process)
        yield Server(f"http://127.0.0.1:{port}", process.pid, facts)


@contextlib.contextmanager
def running(
    command: list[str], variables: Mapping[str, str], folder: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; one that does not stop is killed."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **variables})  # noqa: S603 - our own commands.
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server's workers.

    Raises:
        RuntimeError: it has ended, or takes too long.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(SETTLE_SECONDS)  # The second worker, and the snapshot's listener.
                return
        time.sleep(POLL_SECONDS)
    raise RuntimeError("a web server did not start; its own words stand above")
