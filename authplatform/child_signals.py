"""Ties the life of a child process to its parent's, where the system can do that (Linux)."""

from __future__ import annotations

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1  # Source: prctl(2).


def interrupt_with_parent() -> None:
    """Let this process get SIGINT when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGINT)


def terminate_with_parent() -> None:
    """Let this process get SIGTERM when its parent ends, even by kill -9."""
    _signal_with_parent(signal.SIGTERM)


def _signal_with_parent(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
