"""Claims the data directory and the ports, and generates the secrets of a new installation."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, TextIO

from authplatform import provider_certificate
from authplatform.env import (
    PROVIDER_ADDRESS,
    Environment,
    Stage,
    read_data_directory,
    read_stage,
)
from authplatform.secret_file import generate_secrets, write_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.1
ANYONE_MAY_PASS = 0o711  # As root, PostgreSQL runs as nobody in a folder below.
OWNER_ONLY = 0o700


class StartRefused(Exception):
    """Says in one sentence why the platform can't start."""


@contextlib.contextmanager
def claim() -> Iterator[bool]:
    """Hold the data directory for this process; tell whether the last one to hold it was killed.

    Raises:
        StartRefused: Another process holds it, or it can't be written.
    """
    directory = read_data_directory()
    with _open_lock(directory) as lock:
        was_killed = _take(lock, directory)
        _generate_secrets(directory)
        yield was_killed
        lock.truncate(0)


def probe_ports(environment: Environment, *, patient: bool) -> None:
    """Make sure that the ports are free: the web server itself would share a taken one silently.

    After a kill, the last processes of the killed platform get a moment to go.

    Raises:
        StartRefused: A port is taken.
    """
    deadline = time.monotonic() + (PATIENCE_SECONDS if patient else 0)
    places = [(environment.bind_address, environment.port + number) for number in range(2)]
    if environment.demo_provider_url:
        places.append((PROVIDER_ADDRESS, environment.port + 2))
    for address, port in places:
        while _is_taken(address, port):
            if time.monotonic() >= deadline:
                raise StartRefused(f"Port {port} is taken: stop what uses it, or set PORT.")
            time.sleep(POLL_SECONDS)


def _open_lock(directory: Path) -> TextIO:
    try:
        mode = ANYONE_MAY_PASS if os.geteuid() == 0 else OWNER_ONLY
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
        return (directory / "supervisor.lock").open("a+", encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise StartRefused(
            f"The data directory {directory} can't be written ({reason}): set DATA_DIR to another."
        ) from error


def _take(lock: TextIO, directory: Path) -> bool:
    """Lock the file, which the system frees even after kill -9, and write our process id."""
    lock.seek(0)
    holder = lock.read().strip()
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartRefused(
            f"The platform is already running on {directory} (process {holder})."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return bool(holder)


def _generate_secrets(directory: Path) -> None:
    if read_stage(directory) is not Stage.EMBEDDED:
        return
    write_once(directory / "secrets.env", generate_secrets())
    sign_in = {"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": secrets.token_urlsafe(18)}
    write_once(directory / "demo.env", sign_in)
    provider_certificate.make_once(directory)


def _is_taken(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections that are still closing don't count; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise StartRefused(
                f"Port {port} of {address} can't be used: {error.strerror}."
            ) from error
    return False
