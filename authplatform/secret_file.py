"""Generates the secrets of an installation once and keeps them in a file of its own."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


def generate_secrets() -> dict[str, str]:
    """Return a fresh value for every secret that the platform can't start without."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_PEPPERS": _generate_key(),
        "KEY_ENCRYPTION_KEYS": _generate_key(),
    }


def write_once(path: Path, assignments: dict[str, str]) -> None:
    """Write the assignments to a new file with mode 0600; an existing file stays as it is.

    The file appears whole or not at all: kill -9 must not leave half the secrets.
    """
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={text}\n" for name, text in assignments.items())
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _generate_key() -> str:
    key_id = secrets.token_hex(4)
    text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()
    return f"{key_id}:{text}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}={text}\n" for name, text in generate_secrets().items())
