"""Templates of claim rules: a text with `${name}` in it. Pure; described in docs/claims.md.

What is put in is never read as a template again, and `$$` writes one dollar sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from tenants.claim_paths import find_path_mistake, read_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.claim_paths import ClaimPath
    from tenants.policy_document import Document
    from tenants.records import JSON

MAX_TEMPLATE_CHARACTERS: Final = 2_000
MAX_NAMES: Final = 20
_PART: Final = re.compile(r"\$\$|\$\{([^${}]*)\}|[^$]+|\$")


class InvalidTemplate(ValueError):
    """Says in one sentence what is wrong with a template."""


def parse_template(text: object) -> tuple[str | ClaimPath, ...]:
    """Part a template into texts and the paths of what is put between them.

    Raises:
        InvalidTemplate: it is no text, too long, malformed, or names what no rule can read.
    """
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEMPLATE_CHARACTERS:
        raise InvalidTemplate(
            f"A template is a text of at most {MAX_TEMPLATE_CHARACTERS} characters."
        )
    parts = tuple(_read_part(found) for found in _PART.finditer(text))
    if sum(isinstance(part, tuple) for part in parts) > MAX_NAMES:
        raise InvalidTemplate(f"A template puts in {MAX_NAMES} names at most.")
    return parts


def find_template_mistake(text: object) -> str:
    """Say what is wrong with a template; an empty text where nothing is."""
    try:
        parse_template(text)
    except InvalidTemplate as error:
        return str(error)
    return ""


def _read_part(found: re.Match[str]) -> str | ClaimPath:
    text, name = found.group(), found.group(1)
    if text == "$$":
        return "$"
    if text == "$":
        raise InvalidTemplate(
            "Write ${name} to put something in, without others inside it, and $$ for a dollar sign."
        )
    if name is None:
        return text
    path = tuple(name.split("."))
    mistake = find_path_mistake(path, is_plain=True)
    if mistake:
        raise InvalidTemplate(mistake)
    return path


def compile_template(text: object) -> Callable[[Document], JSON]:
    """Compile a template; its value is None where something that it names is absent.

    Raises:
        InvalidTemplate: see `parse_template`.
    """
    parts = parse_template(text)

    def write(document: Document) -> JSON:
        written: list[str] = []
        for part in parts:
            text = part if isinstance(part, str) else _write(read_value(document, part))
            if text is None:
                return None
            written.append(text)
        return "".join(written)

    return write


def _write(value: JSON) -> str | None:
    """Write a text as it is, a number or boolean as JSON does; a list or object counts as none."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, list | dict):
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # An integer that no reader can hold.
        return None
