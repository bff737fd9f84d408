"""Starts the whole platform as `make run` does, and looks at it from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from authplatform.env import PROVIDER_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
POLL_SECONDS = 0.05
# What the test session has set for itself must not reach the platform.
OWN_VARIABLES = (
    "AUTHPLATFORM_ENVIRONMENT",
    "CELERY_BROKER_URL",
    "DATABASE_ROLE",
    "DATABASE_URL",
    "DJANGO_SETTINGS_MODULE",
    "KEY_ENCRYPTION_KEYS",
    "REDIS_URL",
    "SECRET_KEY",
    "TOKEN_PEPPERS",
)


@dataclass(slots=True)
class Platform:
    """One run of the supervisor."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    def wait_until_announced(self) -> None:
        """Wait for the line that says that everything runs."""
        wait_until(lambda: any("Ctrl-C stops" in line for line in self.output) or self.has_ended())
        assert not self.has_ended(), "".join(self.output)

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def get_status(self, path: str) -> int:
        """Return the status of one request; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        """Do what Ctrl-C does; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def kill(self) -> None:
        """Kill the supervisor, so that it can't stop anything itself."""
        self.process.kill()
        self.process.wait()

    def find_children(self, words: str) -> list[int]:
        """Return the process ids below the supervisor whose command line has these words."""
        return [pid for pid in _descendants(self.process.pid) if words in _command_line(pid)]


def find_free_port() -> int:
    """Return a port that is free together with the next two, which the demo takes."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                third.bind((PROVIDER_ADDRESS, port + 2))
                return port


def begin(folder: Path, port: int, variables: dict[str, str] | None = None) -> Platform:
    """Start the supervisor without waiting for it."""
    kept = {name: text for name, text in os.environ.items() if name not in OWN_VARIABLES}
    given = {"DATA_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "authplatform.supervisor"],
        cwd=ROOT,
        env=kept | given | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    platform = Platform(folder, port, process)
    threading.Thread(target=_collect, args=(platform,), daemon=True).start()
    return platform


@contextlib.contextmanager
def running(folder: Path, variables: dict[str, str] | None = None) -> Iterator[Platform]:
    """Start the platform, wait for it, and make sure that it is gone at the end."""
    platform = begin(folder, find_free_port(), variables)
    try:
        platform.wait_until_announced()
        yield platform
    finally:
        if not platform.has_ended():
            platform.stop()


def read_refusal(folder: Path, port: int, variables: dict[str, str] | None = None) -> str:
    """Start the platform, which must refuse; return all that it says."""
    platform = begin(folder, port, variables)
    try:
        assert platform.process.wait(START_SECONDS) == 1
    finally:
        if not platform.has_ended():
            platform.stop()
    wait_until(lambda: bool(platform.output))
    return "".join(platform.output)


def wait_until(happens: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait until something happens.

    Raises:
        AssertionError: It did not happen in time.
    """
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _collect(platform: Platform) -> None:
    assert platform.process.stdout is not None
    with platform.process.stdout as stream:
        platform.output.extend(stream)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
