"""What a linter says of a rule: where, in which words, how grave. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenants.records import JSON

Path: TypeAlias = "tuple[str | int, ...]"

MAX_RULE_BYTES: Final = 16_384
MAX_RULE_DEPTH: Final = 16
MAX_RULE_NODES: Final = 1_024
# Each may take milliseconds to compile, in every process and after every change of the tenant.
MAX_RULE_PATTERNS: Final = 64
PATTERN_NAMES: Final = ("$regex", "pattern")


class Severity(StrEnum):
    """Whether a rule may be saved in spite of a finding."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a rule; `path` is a JSON pointer, and lines begin at 1."""

    path: str
    line: int | None
    message: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding before its place is written: what an engine's own linter answers."""

    path: Path
    message: str
    severity: Severity = Severity.ERROR
    line: int | None = None


def suggest(name: str, known: Iterable[str]) -> str:
    """Answer a sentence that names what was probably meant, or an empty text."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def write_pointer(path: Path) -> str:
    """Write a path as a JSON pointer. Source: RFC 6901 section 3."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def find_excess(rule: JSON) -> Mistake | None:
    """Find what makes a rule too large, too deep, or impossible to store.

    Stops at the first excess: nothing else may look at a rule without bounds.
    """
    pending: list[tuple[JSON, Path]] = [(rule, ())]
    size = nodes = patterns = 0
    while pending:
        value, path = pending.pop()
        nodes += 1
        if not _is_json(value):
            return Mistake(path, "This is no JSON: write texts as names, and put dates in quotes.")
        size += _size_of(value)
        patterns += _count_patterns(value)
        if len(path) > MAX_RULE_DEPTH:
            return Mistake(path, f"A rule has {MAX_RULE_DEPTH} levels at most; flatten it.")
        if size > MAX_RULE_BYTES or nodes > MAX_RULE_NODES:
            text = f"A rule has {MAX_RULE_BYTES} bytes and {MAX_RULE_NODES} members at most"
            return Mistake((), f"{text}; split it into several policies.")
        if patterns > MAX_RULE_PATTERNS:
            text = f"A rule has {MAX_RULE_PATTERNS} text patterns at most; split it into policies."
            return Mistake(path, text)
        if not _is_storable(value):
            return Mistake(path, "NUL, half surrogates and endless numbers can't be stored.")
        pending += _children(value, path)
    return None


def _count_patterns(value: JSON) -> int:
    """Count the text patterns directly in an object, whichever engine may read it."""
    if not isinstance(value, dict):
        return 0
    names = value.get("patternProperties")
    of_names = len(names) if isinstance(names, dict) else 0
    return sum(name in value for name in PATTERN_NAMES) + of_names


def _is_json(value: object) -> bool:
    """Say whether a value, apart from its parts, is one of JSON; YAML knows others."""
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value)
    return value is None or isinstance(value, bool | int | float | str | list)


def _size_of(value: JSON) -> int:
    """Count the bytes of a text, of the names of an object, or about those of another scalar."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass")) + 2
    if isinstance(value, dict):
        return sum(len(name.encode("utf-8", "surrogatepass")) + 4 for name in value) + 2
    if isinstance(value, int):
        return value.bit_length() // 3 + 1
    return 2


def _is_storable(value: JSON) -> bool:
    if isinstance(value, dict):
        return all(_is_storable(name) for name in value)
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return not isinstance(value, float) or value - value == 0


def _children(value: JSON, path: Path) -> list[tuple[JSON, Path]]:
    if isinstance(value, dict):
        return [(member, (*path, name)) for name, member in value.items()]
    if isinstance(value, list):
        return [(element, (*path, number)) for number, element in enumerate(value)]
    return []
