"""Ties the life of a child process to its parent's, where the system can do that (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # Source: prctl(2).
SUPERVISOR = "AUTHPLATFORM_SUPERVISOR"  # The process id under which everything runs.
WATCH_SECONDS = 0.5
GRACE_SECONDS = 2.0


def interrupt_with_parent() -> None:
    """Let this process get SIGINT when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGINT)


def terminate_with_parent() -> None:
    """Let this process get SIGTERM when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGTERM)


def _signal_with_parent(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def leave_with_supervisor() -> None:
    """End this worker soon after the supervisor is gone.

    A worker that is still starting when all is killed can lose the signal for good.
    """
    supervisor = os.environ.get(SUPERVISOR, "")
    if supervisor:
        threading.Thread(target=_watch, args=[supervisor], name="orphanage", daemon=True).start()


def _watch(supervisor: str) -> None:
    while not _is_gone(supervisor):
        time.sleep(WATCH_SECONDS)
    time.sleep(GRACE_SECONDS)  # Answers that are under way, where the signal did arrive.
    os._exit(1)


def _is_gone(supervisor: str) -> bool:
    try:
        os.kill(int(supervisor), 0)
    except (OSError, ValueError):
        return True
    return False
