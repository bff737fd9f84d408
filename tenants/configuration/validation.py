"""Holds documents against the schema and words what is wrong in the terms of the files."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, cast

import jsonschema_rs

from tenants.configuration.mistakes import (
    Mistake,
    Path,
    may_hold_secrets,
    quote,
    suggest,
    write_path,
)
from tenants.configuration.schema import build_schema
from tenants.configuration.schema_extras import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenants.configuration.documents import Document
    from tenants.records import JSON

MAX_MISTAKES = 100
Kind: TypeAlias = jsonschema_rs.ValidationErrorKind
TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
    "object": "a mapping",
    "string": "a text",
}
FORMS = {
    "^[0-9a-f]{8}-": "a UUID in lower case",
    r"^\d{4}-\d{2}": "a moment with its zone, such as 2027-01-31T12:00:00Z",
    "^[A-Za-z_]": "the name of an environment variable",
    r"^\S+$": "a text without spaces",
    "^$|^#": "a colour, such as #0b57d0",
    "^$|^[a-z0-9](": "a host name, such as app.example",
    "^[a-z]{2,3}(": "a language, such as de or de-AT",
}


def find_schema_mistakes(document: Document) -> Iterator[Mistake]:
    """Find what the schema forbids: a bounded number of mistakes."""
    if document.content is not None:
        for error in islice(_validator().iter_errors(document.content), MAX_MISTAKES):
            yield from _word(document, error)


@cache
def _schema() -> dict[str, JSON]:
    return build_schema()


@cache
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(_schema(), pattern_options=jsonschema_rs.RegexOptions())


def _word(document: Document, error: jsonschema_rs.ValidationError) -> Iterator[Mistake]:
    path: Path = tuple(error.instance_path)
    line = document.line_of(path)
    if isinstance(error.kind, Kind.AdditionalProperties):
        for key in error.kind.unexpected:
            text = _describe_key(path, key, _known_keys(error))
            yield Mistake(document.file, document.line_of((*path, key)), write_path(path), text)
        return
    if path and isinstance(path[-1], int) and not isinstance(error.instance, dict):
        path = path[:-1]  # An item of a list of values is named by its list.
    yield Mistake(document.file, line, write_path(path), _describe(path, error))


def _describe_key(path: Path, key: str, known: list[str]) -> str:
    ending = suggest(key, known)
    if may_hold_secrets(path) and "did you mean" not in ending:
        return f"unknown key, which is not shown here: put secrets in quotes{ending}"
    return f"unknown key {quote(key)}{ending}"


def _known_keys(error: jsonschema_rs.ValidationError) -> list[str]:
    properties = _schema_around(error).get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _schema_around(error: jsonschema_rs.ValidationError) -> Mapping[str, JSON]:
    """Answer the part of the schema whose keyword has failed."""
    place: JSON = _schema()
    for step in error.schema_path[:-1]:
        if isinstance(place, dict):
            place = place[str(step)]
        elif isinstance(place, list):
            place = place[int(step)]
    return place if isinstance(place, dict) else {}


def _describe(path: Path, error: jsonschema_rs.ValidationError) -> str:
    match error.kind:
        case Kind.Type(types=types):
            expected = " or ".join(TYPE_NAMES[name] for name in types if name != "null")
            return f"expected {expected}, found {_name_type(error.instance)}"
        case Kind.Required(property=name):
            return f"{quote(name)} is missing"
        case Kind.OneOfNotValid() | Kind.OneOfMultipleValid():
            return f"give exactly one of {_alternatives(error)}"
        case Kind.UniqueItems():
            return "something stands here twice; remove one"
        case Kind.Enum(options=options):
            return _describe_choice(path, error.instance, list(cast("list[JSON]", options)))
        case _:
            return _describe_limit(path, error)


def _describe_choice(path: Path, value: object, options: list[JSON]) -> str:
    known = [str(option) for option in options if option]
    return f"{_show(path, value)} is no {_noun(path)}{suggest(value, known)}"


def _describe_limit(path: Path, error: jsonschema_rs.ValidationError) -> str:
    shown = _show(path, error.instance)
    match error.kind:
        case Kind.Minimum(limit=limit):
            return f"{shown} is too small; choose at least {limit}"
        case Kind.Maximum(limit=limit):
            return f"{shown} is too large; choose at most {limit}"
        case Kind.MinLength():
            return "this is empty; write a text"
        case Kind.MaxLength(limit=limit):
            return f"this is too long; write at most {limit} characters"
        case Kind.Pattern(pattern=pattern):
            return f"{shown} is not accepted; write {_describe_pattern(str(pattern))}"
        case _:
            return "this is not accepted here; see docs/configuration.md"


def _describe_pattern(pattern: str) -> str:
    for beginning, text in FORMS.items():
        if pattern.startswith(beginning):
            return text
    return f"what matches {pattern}"


def _alternatives(error: jsonschema_rs.ValidationError) -> str:
    branches = _schema_around(error).get("oneOf")
    names = [
        str(name)
        for branch in (branches if isinstance(branches, list) else [])
        for name in (branch.get("required") if isinstance(branch, dict) else None) or []  # type: ignore[union-attr]  # a list.
    ]
    return ", ".join(names)


def _name_type(value: object) -> str:
    # The value itself may be a secret in the wrong place, so only its type is named.
    match value:
        case None:
            return TYPE_NAMES["null"]
        case bool():
            return "true or false"
        case int() | float():
            return "a number (put a text in quotes)"
        case str():
            return TYPE_NAMES["string"]
        case list():
            return TYPE_NAMES["array"]
        case _:
            return TYPE_NAMES["object"]


def _show(path: Path, value: object) -> str:
    return "the value" if SECRET_NAMES & set(map(str, path)) else quote(value)


def _noun(path: Path) -> str:
    name = str(path[-1]) if path else "value"
    return name.removesuffix("s").replace("_", " ")
