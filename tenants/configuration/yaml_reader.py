"""Turns YAML into plain values and their lines: no tags, no duplicate keys, everything bounded.

It builds from the parser's events, so that no constructor of PyYAML ever runs. Of the plain
scalars only `true`, `false`, `null`, integers and decimal numbers are more than text; dates,
`yes` and `on` stay what was written.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import yaml

from tenants.configuration.mistakes import Path, may_hold_secrets, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.records import JSON

MAX_DEPTH = 24
MAX_NODES = 250_000
MAX_DIGITS = 18
TEXT_TAG = "tag:yaml.org,2002:str"
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?")
WORDS: dict[str, JSON] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The parser in C where PyYAML was built with it: seconds instead of a minute for a large file.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Opening: TypeAlias = "yaml.ScalarEvent | yaml.CollectionStartEvent"


class MalformedDocument(Exception):
    """The text is no YAML, or YAML that is not accepted here."""

    def __init__(self, text: str, *, line: int, path: Path = ()) -> None:
        """Keep what is wrong and where."""
        super().__init__(text)
        self.text, self.line, self.path = text, line, path


def read_documents(text: str) -> Iterator[tuple[JSON, dict[Path, int]]]:
    """Read every document of a text as plain value and line by path.

    Raises:
        MalformedDocument: at the first thing that is not accepted.
    """
    events = _list_events(text)
    start = 0
    for index, event in enumerate(events):
        if isinstance(event, yaml.DocumentStartEvent):
            start = index + 1
        elif isinstance(event, yaml.DocumentEndEvent):
            builder = _Builder(events)
            content, _ = builder.build(start, (), 0)
            yield content, builder.lines


def _list_events(text: str) -> list[yaml.Event]:
    events: list[yaml.Event] = []
    depth = 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            _check_bounds(event, depth, len(events))
            events.append(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise MalformedDocument(_describe(error), line=line) from error
    except yaml.YAMLError as error:
        raise MalformedDocument("this contains a character that YAML forbids", line=0) from error
    return events


def _describe(error: yaml.MarkedYAMLError) -> str:
    # The error's own text would repeat what stands in the file, perhaps a secret.
    problem = (error.problem or "").split(" '")[0]
    return f"this is no valid YAML ({problem or 'unknown problem'})"


def _check_bounds(event: yaml.Event, depth: int, count: int) -> None:
    if depth > MAX_DEPTH:
        text = f"this is nested more than {MAX_DEPTH} levels deep"
        raise MalformedDocument(text, line=_line(event))
    # A node has two events at most.
    if count > 2 * MAX_NODES:
        text = f"the file has more than {MAX_NODES} values; split it by tenant"
        raise MalformedDocument(text, line=_line(event))


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 0


@dataclass(slots=True)
class _Builder:
    """Builds one document's values; an alias is built again from its anchor's events."""

    events: list[yaml.Event]
    lines: dict[Path, int] = field(default_factory=dict)
    anchors: dict[str, int] = field(default_factory=dict)
    nodes: int = 0

    def build(self, index: int, path: Path, depth: int) -> tuple[JSON, int]:
        """Build the value whose first event is at the index; answer it and the index after it."""
        event = self.events[index]
        self._count(event, path, depth)
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent):
            value, _ = self.build(self._anchor(event, path), path, depth + 1)
            return value, index + 1
        if event.anchor:  # type: ignore[attr-defined]  # every event that opens a node has one.
            self.anchors[event.anchor] = index  # type: ignore[attr-defined]  # as above.
        _check_tag(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return _read_scalar(event, path), index + 1
        if isinstance(event, yaml.SequenceStartEvent):
            return self._build_list(index + 1, path, depth)
        return self._build_mapping(index + 1, path, depth)

    def _count(self, event: yaml.Event, path: Path, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            text = "the aliases in this file make it too large or too deep"
            raise MalformedDocument(text, line=_line(event), path=path)

    def _anchor(self, event: yaml.AliasEvent, path: Path) -> int:
        index = self.anchors.get(event.anchor or "")
        if index is None:
            text = "this alias names an anchor that does not stand above it"
            raise MalformedDocument(text, line=_line(event), path=path)
        return index

    def _build_list(self, index: int, path: Path, depth: int) -> tuple[JSON, int]:
        items: list[JSON] = []
        while not isinstance(self.events[index], yaml.SequenceEndEvent):
            item, index = self.build(index, (*path, len(items)), depth + 1)
            items.append(item)
        return items, index + 1

    def _build_mapping(self, index: int, path: Path, depth: int) -> tuple[JSON, int]:
        items: dict[str, JSON] = {}
        while not isinstance(self.events[index], yaml.MappingEndEvent):
            key = self._read_key(self.events[index], path)
            if key in items:
                shown = "a key" if may_hold_secrets(path) else f"the key {quote(key)}"
                text = f"{shown} stands here twice; remove one"
                raise MalformedDocument(text, line=_line(self.events[index]), path=path)
            self.lines.setdefault((*path, key), _line(self.events[index]))
            items[key], index = self.build(index + 1, (*path, key), depth + 1)
        return items, index + 1

    def _read_key(self, event: yaml.Event, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            text = "a key must be a plain text"
            raise MalformedDocument(text, line=_line(event), path=path)
        self._count(event, path, 0)
        _check_tag(event, path)
        _check_text(event, path)
        return str(event.value)


def _check_tag(event: yaml.Event, path: Path) -> None:
    tag = event.tag  # type: ignore[attr-defined]  # every event that opens a node has one.
    is_text = isinstance(event, yaml.ScalarEvent) and tag == TEXT_TAG
    if tag is not None and not is_text:
        text = "tags (!...) are not accepted here; write plain values"
        raise MalformedDocument(text, line=_line(event), path=path)


def _check_text(event: yaml.ScalarEvent, path: Path) -> None:
    if "\0" in event.value or any("\ud800" <= c <= "\udfff" for c in event.value):
        text = "this contains a character that can't be stored (NUL or half a surrogate pair)"
        raise MalformedDocument(text, line=_line(event), path=path)


def _read_scalar(event: yaml.ScalarEvent, path: Path) -> JSON:
    _check_text(event, path)
    text = str(event.value)
    is_plain = event.implicit[0] and event.tag is None and event.style in {None, ""}
    if not is_plain:
        return text
    if text in WORDS:
        return WORDS[text]
    number = _read_number(text)
    if number is not None and (len(text) > MAX_DIGITS * 2 or not math.isfinite(number)):
        message = "this number is too large; put it in quotes if it is a text"
        raise MalformedDocument(message, line=_line(event), path=path)
    return text if number is None else number


def _read_number(text: str) -> int | float | None:
    if INTEGER.fullmatch(text):
        # Longer ones exceed every column, and int() refuses thousands of digits.
        return int(text) if len(text) <= MAX_DIGITS + 1 else math.inf
    return float(text) if DECIMAL.fullmatch(text) else None
