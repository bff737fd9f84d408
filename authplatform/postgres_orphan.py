"""Ends a PostgreSQL that has outlived its supervisor, and clears what a killed one has left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.02


def clear(cluster: Path) -> None:
    """Make sure that no server runs on this cluster and that no stale lock stops the next one.

    We wait for the lock file and not for the process: where nothing reaps it, it stays a zombie.
    """
    lock = cluster / "postmaster.pid"
    for number in (signal.SIGINT, signal.SIGQUIT):
        if lock.exists() and _signal_server(lock, cluster, number):
            _wait_until_gone(lock)
    _unlink_stale(lock)


def _signal_server(lock: Path, cluster: Path, number: signal.Signals) -> bool:
    """Signal the process that the lock names, unless its id now belongs to something else."""
    lines = lock.read_text(errors="replace").splitlines()
    if not lines or not lines[0].isdigit():
        return False
    pid = int(lines[0])
    if str(cluster) not in read_command_line(pid):
        return False
    os.kill(pid, number)
    return True


def read_command_line(pid: int) -> str:
    """Return a process's command line; empty where it is gone or a zombie."""
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.parent.parent.joinpath("self").exists():
        try:
            return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    outcome = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed words.
    return outcome.stdout.decode(errors="replace")


def _wait_until_gone(lock: Path) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while lock.exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _unlink_stale(lock: Path) -> None:
    """Remove a lock whose process id belongs to a zombie or to something else by now.

    PostgreSQL would take that process for a server and refuse to start. Where the id is free, the
    lock stays: PostgreSQL then checks by its shared memory that no old backend is still at work.
    """
    if not lock.exists():
        return
    lines = lock.read_text(errors="replace").splitlines()
    if lines and lines[0].isdigit() and not _is_taken(int(lines[0])):
        return
    if len(lines) > 4 and lines[4]:  # noqa: PLR2004 - the fifth line is the socket's folder.
        Path(lines[4], ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    lock.unlink()


def _is_taken(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
