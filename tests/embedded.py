"""What tests need to run PostgreSQL clusters of their own."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

# A test run may lose everything in a crash, so nothing is written through to the disk.
FAST_AND_LOOSE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def make_reachable_folder() -> Path:
    """Return a new temporary folder that nobody, as whom PostgreSQL runs for root, may pass."""
    folder = Path(tempfile.mkdtemp(prefix="authplatform-"))
    folder.chmod(stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
    return folder
