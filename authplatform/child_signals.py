"""Ties the life of a child process to its parent's, where the system can do that (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # Source: prctl(2).
SUPERVISOR = "AUTHPLATFORM_SUPERVISOR"  # The process id under which everything runs.


def interrupt_with_parent() -> None:
    """Let this process get SIGINT when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGINT)


def terminate_with_parent() -> None:
    """Let this process get SIGTERM when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGTERM)


def _signal_with_parent(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    # Who is still starting when all is killed may have lost the signal; this one tells its parent
    # again, which by now listens, and stops its workers in good order.
    if _is_gone(os.environ.get(SUPERVISOR, "")):
        os.kill(os.getppid() if os.getppid() > 1 else os.getpid(), number)


def _is_gone(supervisor: str) -> bool:
    if not supervisor:
        return False
    try:
        os.kill(int(supervisor), 0)
    except (OSError, ValueError):
        return True
    return False
