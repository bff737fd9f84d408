"""Reads out of PostgreSQL's log which statements ran, and asks how they are carried out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.database import Database

ENTRY: Final = re.compile(r"LOG:  (?:execute [^:]*|statement): (.*(?:\n\t.*)*)")
LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
EXPLAINED: Final = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
# What the processes do by themselves while a request is watched.
BACKGROUND: Final = ("pg_current_snapshot", "pg_stat", "unnest(", "LISTEN", "prometheus")


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement as it was sent, its text without values, and its plan without costs."""

    sent: str
    text: str
    plan: str = ""


def read_statements(database: Database, since: int) -> list[str]:
    """Answer the statements in the log behind its first `since` bytes."""
    with database.log.open("rb") as log:
        log.seek(since)
        entries = ENTRY.findall(log.read().decode(errors="replace"))
    statements = [" ".join(entry.split()) for entry in entries]
    return [text for text in statements if not any(word in text for word in BACKGROUND)]


def explain(statements: Sequence[str], place: str, role: str) -> list[Ran]:
    """Answer each statement with its plan; those that only set something are carried out."""
    with psycopg.connect(place, autocommit=True, options=f"-c role={role}") as connection:
        return [Ran(text, _without_values(text), _explain(text, connection)) for text in statements]


def _explain(text: str, connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    is_setting = "set_config(" in text or not EXPLAINED.match(text)
    generic = ", GENERIC_PLAN" if "$1" in text else ""
    command = text if is_setting else f"EXPLAIN (COSTS OFF{generic}) {text}"
    cursor = connection.execute(command.encode())
    if is_setting:
        return ""
    return "\n".join(_without_values(row[0]) for row in cursor.fetchall())


def _without_values(text: str) -> str:
    return LITERAL.sub("?", text)
