"""Finds the secret that an entry names: written there, in a variable or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal

MAX_SECRET_BYTES = 65_536
SOURCES = ("value", "value_from_env", "value_from_file")


def find_text(journal: Journal, entry: Entry) -> str | None:
    """Find the secret's text; None, with a mistake noted, where it can't be had."""
    if "value" in entry:
        return entry.text("value")
    if "value_from_env" in entry:
        return _read_variable(journal, entry)
    return _read_file(journal, entry)


def is_known_pepper(journal: Journal, entry: Entry) -> bool:
    """Say whether this installation can compare a hash; where not, note the mistake."""
    pepper_id = entry.text("pepper_id")
    if pepper_id in settings.TENANTS_TOKEN_PEPPERS:
        return True
    text = f"this installation has no token pepper {pepper_id!r}; export from one that shares it"
    journal.refuse(entry, text, "pepper_id")
    return False


def is_known_encryption_key(journal: Journal, entry: Entry) -> bool:
    """Say whether this installation can decrypt a secret; where not, note the mistake."""
    kek_id = entry.text("kek_id")
    if kek_id in settings.TENANTS_KEY_ENCRYPTION_KEYS:
        return True
    text = f"this installation has no key encryption key {kek_id!r}; add it to its keys first"
    journal.refuse(entry, text, "kek_id")
    return False


def _read_variable(journal: Journal, entry: Entry) -> str | None:
    name = entry.text("value_from_env")
    text = journal.variables.get(name)
    if not text:
        journal.refuse(entry, f"the environment variable {name} is not set", "value_from_env")
        return None
    return text


def _read_file(journal: Journal, entry: Entry) -> str | None:
    path = entry.document.directory / entry.text("value_from_file")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError):
        text = ""
        content = b""
    if not text or "\0" in text or len(content) > MAX_SECRET_BYTES:
        message = "this file can't be read as a secret: one line of UTF-8 text is expected"
        journal.refuse(entry, message, "value_from_file")
        return None
    return text
