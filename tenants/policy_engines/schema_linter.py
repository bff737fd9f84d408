"""Finds what is wrong with a JSON Schema rule, above all what would pass by being absent. Pure."""

from __future__ import annotations

import re
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
# The kinds of the request document in the words of JSON Schema.
JSON_KINDS: Final = {"text": "string", "number": "number", "list": "array", "object": "object"}
# Types that say the same or less than a kind.
_NARROWER: Final = {"integer": "number"}
ANNOTATIONS: Final = frozenset(
    ("$schema", "$comment", "$defs", "title", "description", "examples", "type")
)
# What an escape or a class holds is no sign; the innermost brackets without others within.
_ESCAPED: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_INNERMOST: Final = re.compile(r"\([^()]*\)")
# What these say of members, they say only of those that are there; false demands that none is.
_SAYS_OF_ANY: Final = ("additionalProperties", "unevaluatedProperties")
_CONDITIONAL: Final = ("dependentRequired", "dependentSchemas")
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
    if not found and not rule.keys() - ANNOTATIONS:
        text = "This says nothing of the request; for that there is the engine allow."
        found.append(Mistake((), text))
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
    for find in _FINDERS:
        for where, text in find(place):
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
    if isinstance(pattern, str) and not _is_anchored(pattern):
        text = "The pattern matches anywhere in the text; begin it with ^ and end it with $"
        hint = ", around all alternatives: ^(a|b)$." if "|" in pattern else "."
        yield Mistake((*place.path, "pattern"), text + hint, Severity.WARNING)


def _is_anchored(pattern: str) -> bool:
    """Say whether a pattern matches whole texts only; alternatives in brackets are one part."""
    plain = _ESCAPED.sub("", pattern)
    while plain != (without := _INNERMOST.sub("", plain)):
        plain = without
    return plain.startswith("^") and plain.endswith("$") and "|" not in plain


def _find_absent(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find members that satisfy the schema by being absent."""
    properties, required = place.schema.get("properties"), place.schema.get("required")
    listed = required if isinstance(required, list) else []
    for name in properties if isinstance(properties, dict) else ():
        field = (place.field.members or {}).get(name, ANYTHING)
        if field.is_optional and name not in listed:
            text = f"A request without {name} satisfies this; add {name} to required beside it."
            yield (*place.path, "properties", name), text


def _find_members_at_will(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find what is said of members that need not be there."""
    for name in _SAYS_OF_ANY:
        if isinstance(place.schema.get(name), dict):
            text = f"An object without such members satisfies {name}; name them in required."
            yield (*place.path, name), text
    patterns = place.schema.get("patternProperties")
    for pattern, member in patterns.items() if isinstance(patterns, dict) else ():
        if member is not False:
            text = "An object without such members satisfies this; name them in required."
            yield (*place.path, "patternProperties", pattern), text
    for name in _CONDITIONAL:
        members = place.schema.get(name)
        for member in members if isinstance(members, dict) else ():
            text = f"A request without {member} satisfies this; say it of all, or use anyOf."
            yield (*place.path, name, member), text


def _find_escapes(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find conditions and negations that hold because what they speak of is absent."""
    if "if" in place.schema and "then" in place.schema and "else" not in place.schema:
        text = "What does not satisfy if satisfies this; add else, such as false."
        yield (*place.path, "if"), text
    negated = place.schema.get("not")
    # To deny nothing but the presence says openly what is meant.
    if isinstance(negated, dict) and negated.keys() - ANNOTATIONS - {"required"}:
        for name in _find_optional_names(negated, place.field):
            text = f"What lacks {name} satisfies not; write not at the value, within properties."
            yield (*place.path, "not"), text
            return


def _find_optional_names(rule: JSON, field: Field) -> Iterator[str]:
    """List the members of which a schema, or one within it, speaks and which may be absent."""
    if not isinstance(rule, dict):
        return
    for name in _names_in(rule):
        if (field.members or {}).get(name, ANYTHING).is_optional:
            yield name
    for step, member in schema.find_subschemas(rule):
        yield from _find_optional_names(member, _field_below(field, step))


def _find_other_kinds(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find keywords that a value of another kind satisfies."""
    kinds = _kinds_of(place)
    for kind, keywords in KEYWORDS_BY_KIND.items():
        if kinds == {kind}:
            continue
        for name in sorted(keywords & place.schema.keys()):
            text = f'Whatever is no {kind} satisfies {name}; add "type": "{kind}" beside it.'
            yield (*place.path, name), text


def _kinds_of(place: _Place) -> set[str]:
    """Say of which kinds a value here can be; empty where nothing is known of it."""
    if place.field.kind in JSON_KINDS:
        return {JSON_KINDS[place.field.kind]}
    stated = place.schema.get("type", [])
    names = stated if isinstance(stated, list) else [stated]
    return {_NARROWER.get(str(name), str(name)) for name in names}


def _find_empty(place: _Place) -> Iterator[tuple[Path, str]]:
    """Find statements about the elements of a list that a shorter one satisfies."""
    least = place.schema.get("minItems")
    least = least if isinstance(least, int) else 0
    for name in ("items", "prefixItems"):
        stated = place.schema.get(name)
        needed = len(stated) if isinstance(stated, list) else 1
        # That nothing else may follow is openly said.
        if name in place.schema and stated is not False and least < needed:
            text = f'A shorter list satisfies {name}; add "minItems": {needed} beside it.'
            yield (*place.path, name), text
    if place.schema.get("minContains") == 0:
        text = "A list without such an element satisfies this; leave minContains out."
        yield (*place.path, "minContains"), text


_FINDERS: Final = (
    _find_absent,
    _find_members_at_will,
    _find_escapes,
    _find_other_kinds,
    _find_empty,
)
