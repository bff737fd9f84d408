"""Reads Cedar text without parsing it: its bounds, and where each policy begins. Pure.

Cedar's parser recurses on the stack of the thread, and a text that nests too deeply ends the whole
process. So nothing may reach it before its bounds are checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tenants.policy_engines.findings import MAX_RULE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BRACKETS: Final = 16
MAX_CONDITIONS: Final = 32
MAX_TOKENS: Final = 2_000
# A comment ends at a carriage return too, as Cedar has it: what follows is read, so it is counted.
_TOKEN: Final = re.compile(
    r'//[^\r\n]*|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|\S', re.DOTALL
)


class OutOfBounds(ValueError):
    """The text is longer or deeper than Cedar may be asked to read."""


def _find_tokens(text: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(text) if not token.group().startswith("//"))


def check_bounds(text: str) -> None:
    """Refuse a text that Cedar's parser might not survive.

    Raises:
        OutOfBounds: with the bound.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_RULE_BYTES:
        raise OutOfBounds(f"A rule has {MAX_RULE_BYTES} bytes at most")
    depth = conditions = 0
    for count, token in enumerate(_find_tokens(text)):
        word = token.group()
        depth += (word in {"(", "[", "{"}) - (word in {")", "]", "}"})
        conditions += word == "if"
        if depth > MAX_BRACKETS or conditions > MAX_CONDITIONS:
            raise OutOfBounds(f"{MAX_BRACKETS} brackets and {MAX_CONDITIONS} ifs at most")
        if count >= MAX_TOKENS:
            raise OutOfBounds(f"A Cedar rule has {MAX_TOKENS} words and signs at most")


def find_statements(text: str) -> list[tuple[int, str]]:
    """Split a text into its policies, each with the line on which it begins; lines begin at 1."""
    statements: list[tuple[int, str]] = []
    begin: int | None = None
    for token in _find_tokens(text):
        if begin is None:
            begin = token.start()
        if token.group() == ";":
            statements.append((_line_at(text, begin), text[begin : token.end()]))
            begin = None
    if begin is not None:
        statements.append((_line_at(text, begin), text[begin:]))
    return statements


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
