"""Finds the folder of the embedded PostgreSQL's socket."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 100  # A socket's address holds 108 bytes on Linux and 104 on macOS.


def locate(directory: Path) -> Path:
    """Return the socket's folder: in the cluster's own, or a short one where that is too long."""
    own = directory / "run"
    if len(bytes(own / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return own
    digest = hashlib.sha256(bytes(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"authplatform-{digest}"
