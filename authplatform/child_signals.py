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
    # A worker that is still starting when all is killed asks for the signal too late to get it.
    if _is_gone(os.environ.get(SUPERVISOR, "")):
        os.kill(os.getpid(), number)


def _is_gone(supervisor: str) -> bool:
    try:
        return bool(supervisor) and os.kill(int(supervisor), 0) is not None
    except (OSError, ValueError):
        return True
