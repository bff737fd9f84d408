"""Finds the line on which each part of a JSON text stands, for the messages of the linter."""

from __future__ import annotations

import json
import re
from typing import Final

from tenants.policy_engines.findings import MAX_RULE_DEPTH, write_pointer

_SIGN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPENING: Final = frozenset("{[")
_ENDING: Final = frozenset("}]")
_CLOSING: Final = frozenset("}],:")


def find_lines(text: str) -> dict[str, int]:
    """Answer the line of each part by its JSON pointer; lines begin at 1.

    The text is taken for JSON; of any other text the answer is a guess.
    """
    lines: dict[str, int] = {}
    path: list[str | int] = []
    is_key = [False]
    line, position = 1, 0
    for found in _SIGN.finditer(text):
        line += text.count("\n", position, found.start())
        position = found.start()
        sign = found.group()
        if is_key[-1] and sign.startswith('"'):
            path[-1] = _read_name(sign)
            is_key[-1] = False
        # Deeper parts are no rule's, and naming each of them would take long.
        if sign not in _CLOSING and len(path) <= MAX_RULE_DEPTH + 1:
            lines.setdefault(write_pointer(tuple(path)), line)
        _step(sign, path, is_key)
    return lines


def _step(sign: str, path: list[str | int], is_key: list[bool]) -> None:
    """Move the path into, out of or along an object or list; `is_key` says what comes next."""
    if sign in _OPENING:
        path.append(0 if sign == "[" else "")
        is_key.append(sign == "{")
    elif sign in _ENDING and path:
        path.pop()
        is_key.pop()
    elif sign == "," and path:
        last = path[-1]
        path[-1] = last + 1 if isinstance(last, int) else ""
        is_key[-1] = not isinstance(last, int)


def _read_name(sign: str) -> str:
    try:
        return str(json.loads(sign))
    except ValueError:
        return sign
