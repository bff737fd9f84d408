"""Finds what is wrong with a JSON Schema rule, above all what would pass by being absent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.policy_document import ANYTHING, DOCUMENT, Field
from tenants.policy_engines import schema
from tenants.policy_engines.findings import Mistake, Severity, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.policy_engines.findings import Path
    from tenants.records import JSON

# A keyword says nothing of a value of another kind than its own. Source: JSON Schema Validation 6.
KEYWORDS_BY_KIND: Final = {
    "object": frozenset(
        (
            *("properties", "required", "patternProperties", "additionalProperties"),
            *("propertyNames", "minProperties", "maxProperties", "dependentRequired"),
            *("dependentSchemas", "unevaluatedProperties"),
        )
    ),
    "array": frozenset(
        (
            *("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
            *("minContains", "maxContains", "unevaluatedItems"),
        )
    ),
    "string": frozenset(("pattern", "minLength", "maxLength")),
    "number": frozenset(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    ),
}
_REFUSED: Final = {
    "format": "format checks nothing here; use pattern or enum.",
    "default": "default fills nothing in; add the name to required instead.",
    "$id": "A rule has no address; leave $id out.",
    "$anchor": "Refer by #/$defs/name; leave $anchor out.",
    "$dynamicRef": "Refer by $ref to #/$defs/name; $dynamicRef is not offered.",
    "$dynamicAnchor": "Refer by #/$defs/name; $dynamicAnchor is not offered.",
    "$vocabulary": "Leave $vocabulary out; the vocabulary is that of 2020-12.",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A schema within a rule, and what the document has where it applies."""

    schema: dict[str, JSON]
    field: Field
    path: Path


def lint(rule: JSON, effect: str) -> Iterator[Mistake]:
    """Find what is malformed, endless, unknown, or true of a request that lacks something."""
    if not isinstance(rule, dict) or not rule:
        yield Mistake((), "The rule is a JSON Schema: an object that is not empty.")
        return
    found = list(_lint_schema(rule, DOCUMENT, (), effect))
    yield from found
    try:
        schema.compile_rule(rule)
    except (ValueError, TypeError) as error:
        if not any(mistake.severity is Severity.ERROR for mistake in found):
            yield Mistake((), f"The schema can't be compiled: {str(error).splitlines()[0]}.")


def _lint_schema(rule: JSON, field: Field, path: Path, effect: str) -> Iterator[Mistake]:
    if not isinstance(rule, dict):
        return
    place = _Place(rule, field, path)
    yield from _find_unknown(place)
    yield from _find_unanchored(place)
    # A limit that applies too often only limits more.
    severity = Severity.WARNING if effect == "limit" else Severity.ERROR
    for where, text in (*_find_absent(place), *_find_other_kinds(place), *_find_empty(place)):
        yield Mistake(where, text, severity)
    for step, member in schema.find_subschemas(rule):
        yield from _lint_schema(member, _field_below(field, step), (*path, *step), effect)


def _field_below(field: Field, step: Path) -> Field:
    """Answer what the document has where a schema within this one applies."""
    match step[0]:
        case "properties":
            known = (field.members or {}).get(str(step[1]))
            return known or ANYTHING
        case "items" | "prefixItems" | "contains" | "unevaluatedItems":
            return field.element or ANYTHING
        case "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "dependentSchemas":
            return field
        case _:
            return ANYTHING


def _find_unknown(place: _Place) -> Iterator[Mistake]:
    for name in place.schema:
        if name in _REFUSED:
            yield Mistake((*place.path, name), _REFUSED[name])
        elif name not in schema.KEYWORDS:
            text = f"{name} is no keyword of JSON Schema 2020-12.{suggest(name, schema.KEYWORDS)}"
            yield Mistake((*place.path, name), text)
    if place.schema.get("$schema", schema.DIALECT) != schema.DIALECT:
        yield Mistake((*place.path, "$schema"), f"Only {schema.DIALECT} is offered.")
    known = place.field.members
    if known is None:
        return
    for name in _names_in(place.schema):
        if name not in known:
            text = f"The request document has no {name} here.{suggest(name, known)}"
            yield Mistake((*place.path, "properties", name), text)


def _names_in(rule: dict[str, JSON]) -> list[str]:
    """List the members of which a schema speaks."""
    properties, required = rule.get("properties"), rule.get("required")
    names = [*properties] if isinstance(properties, dict) else []
    listed = required if isinstance(required, list) else []
    return list(dict.fromkeys((*names, *(name for name in listed if isinstance(name, str)))))


def _find_unanchored(place: _Place) -> Iterator[Mistake]:
    pattern = place.schema.get("pattern")
    if isinstance(pattern, str) and not (pattern.startswith("^") and pattern.endswith("$")):
        text = "The pattern matches anywhere in the text; begin it with ^ and end it with $."
        yield Mistake((*place.path, "pattern"), text, Severity.WARNING)


def _find_absent(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find members that satisfy the schema by being absent."""
    properties, required = place.schema.get("properties"), place.schema.get("required")
    listed = required if isinstance(required, list) else []
    for name in properties if isinstance(properties, dict) else ():
        field = (place.field.members or {}).get(name, ANYTHING)
        if field.is_optional and name not in listed:
            text = f"A request without {name} satisfies this; add {name} to required beside it."
            yield (*place.path, "properties", name), text


def _find_other_kinds(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find keywords that a value of another kind satisfies."""
    if place.field.kind != "any" or "type" in place.schema:
        return
    for kind, keywords in KEYWORDS_BY_KIND.items():
        for name in sorted(keywords & place.schema.keys()):
            text = f'Whatever is no {kind} satisfies {name}; add "type": "{kind}" beside it.'
            yield (*place.path, name), text


def _find_empty(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find statements about the elements of a list that an empty one satisfies."""
    for name in ("items", "prefixItems"):
        if name in place.schema and "minItems" not in place.schema:
            text = f'An empty list satisfies {name}; add "minItems": 1 beside it.'
            yield (*place.path, name), text
