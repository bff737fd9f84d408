"""Makes the demo's secrets for this installation once and keeps them in a file of its own."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from tenants import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ISSUER_KEY = "DEMO_ISSUER_KEY"
SECRET_NAME = re.compile(r"\bDEMO_[A-Z_]+_SECRET\b")
MASTER_TOKEN_NAME = re.compile(r"\bDEMO_[A-Z_]+_MASTER_TOKEN\b")


def read_assignments(path: Path) -> dict[str, str]:
    """Read the NAME=value lines of a file; nothing where there is no file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): text.strip() for name, text in pairs}


def make_missing(
    known: Mapping[str, str], makers: Mapping[str, Callable[[], str]]
) -> dict[str, str]:
    """Make the values that are not known yet, and answer only those."""
    return {name: make() for name, make in makers.items() if name not in known}


def make_secret() -> str:
    """Make the text of a client secret."""
    kind = credentials.CredentialKind.CLIENT_SECRET
    return credentials.make_credential(kind, uuid4()).text


def make_master_token() -> str:
    """Make the text of a master token."""
    kind = credentials.CredentialKind.MASTER_TOKEN
    return credentials.make_credential(kind, uuid4()).text


def find_makers(text: str) -> dict[str, Callable[[], str]]:
    """Find the variables that the demo's configuration names, each with what makes its value."""
    secrets = dict.fromkeys(sorted(set(SECRET_NAME.findall(text))), make_secret)
    tokens = dict.fromkeys(sorted(set(MASTER_TOKEN_NAME.findall(text))), make_master_token)
    return {**secrets, **tokens}


def write_assignments(path: Path, assignments: Mapping[str, str]) -> None:
    """Replace a file by these lines, readable by its owner only; it changes whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # Mode 0600.
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}={text}\n" for name, text in assignments.items())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
