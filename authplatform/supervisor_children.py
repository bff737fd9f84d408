"""Starts the platform's processes, starts them again when they die, and stops them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from authplatform import child_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STOP_TIMEOUT_SECONDS = 10.0
SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 60.0
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Child:
    """One process of the platform, in a session of its own so that Ctrl-C reaches only us."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _pause_seconds: float = field(default=SHORTEST_PAUSE_SECONDS, init=False)
    _due: float | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process."""
        self._began = time.monotonic()
        self._due = None
        self._process = subprocess.Popen(  # noqa: S603 - our own command.
            self.command,
            env=dict(self.variables),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=child_signals.terminate_with_parent,  # noqa: PLW1509 - no threads here.
        )

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Start a dead process again: soon at first, later with growing pauses."""
        if self.is_alive():
            return
        now = time.monotonic()
        if self._due is None:
            self._due = now + self._choose_pause(now)
            sys.stderr.write(f"{self.name} ended unexpectedly; it is started again.\n")
            self._signal_group(signal.SIGTERM)
        elif now >= self._due:
            self.start()

    def ask_to_stop(self) -> None:
        """Ask the process to finish what it does and end."""
        if self._process is not None and self.is_alive():
            self._process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until the deadline of the monotonic clock, then end the whole session."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)
            self._process.wait()

    def _choose_pause(self, now: float) -> float:
        if now - self._began > SETTLED_SECONDS:
            self._pause_seconds = SHORTEST_PAUSE_SECONDS
        pause = self._pause_seconds
        self._pause_seconds = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return pause

    def _signal_group(self, number: signal.Signals) -> None:
        """Signal the process and its own children; gone ones need no signal."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def stop_all(children: Iterable[Child]) -> None:
    """Stop all processes at once, and kill what has not ended in time."""
    listed = list(children)
    for child in listed:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    for child in listed:
        child.wait_or_kill(deadline)
