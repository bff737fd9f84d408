"""The engine `schema`: a JSON Schema that the request document must satisfy. Pure.

Source: JSON Schema 2020-12. Patterns run in linear time, and nothing is ever fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import jsonschema_rs

from tenants.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenants.policy_document import Document
    from tenants.records import JSON

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LOCAL: Final = "#/$defs/"
# A schema that refers to itself twice on every level would take exponential time.
MAX_EXPANDED_NODES: Final = 1_024
PATTERN_BYTES: Final = 1 << 20

ONE_SCHEMA: Final = frozenset(
    (
        *("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then"),
        *("else", "unevaluatedItems", "unevaluatedProperties"),
    )
)
SCHEMA_LISTS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
SCHEMA_MAPS: Final = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs"))
OTHER_KEYWORDS: Final = frozenset(
    (
        *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum"),
        *("exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems"),
        *("uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties"),
        *("required", "dependentRequired", "$ref", "$schema", "$comment", "title"),
        *("description", "examples"),
    )
)
KEYWORDS: Final = ONE_SCHEMA | SCHEMA_LISTS | SCHEMA_MAPS | OTHER_KEYWORDS


class UnboundedSchema(ValueError):
    """A schema refers to itself, to something else than its own $defs, or to too much."""


def compile_rule(rule: JSON) -> Callable[[Document], Verdict]:
    """Compile a schema of the whole document.

    Raises:
        ValueError, TypeError: what the linter would have found.
    """
    if not isinstance(rule, dict):
        raise TypeError("a schema is an object")
    check_references(rule)
    validator = jsonschema_rs.Draft202012Validator(
        rule,
        pattern_options=jsonschema_rs.RegexOptions(
            size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES
        ),
        offline=True,  # A policy must not make this server call an address.
    )

    def evaluate(document: Document) -> Verdict:
        return Verdict.TRUE if validator.is_valid(document.members) else Verdict.FALSE

    return evaluate


def find_subschemas(schema: JSON) -> Iterator[tuple[tuple[str | int, ...], JSON]]:
    """List the schemas directly within a schema, each with its path."""
    if not isinstance(schema, dict):
        return
    for name, member in schema.items():
        if name in ONE_SCHEMA:
            yield (name,), member
        elif name in SCHEMA_LISTS and isinstance(member, list):
            for number, element in enumerate(member):
                yield (name, number), element
        elif name in SCHEMA_MAPS and isinstance(member, dict):
            for key, element in member.items():
                yield (name, key), element


def check_references(rule: dict[str, JSON]) -> None:
    """Refuse references that are not to the schema's own $defs, and what they make endless.

    Raises:
        UnboundedSchema: with the reason.
    """
    definitions = rule.get("$defs", {})
    if not isinstance(definitions, dict):
        raise UnboundedSchema("$defs is an object of schemas")
    sizes: dict[str, int] = {}
    if _expanded_size(rule, definitions, sizes, ()) > MAX_EXPANDED_NODES:
        raise UnboundedSchema(f"with its $ref it has more than {MAX_EXPANDED_NODES} schemas")


def _expanded_size(
    schema: JSON, definitions: dict[str, JSON], sizes: dict[str, int], within: tuple[str, ...]
) -> int:
    """Count the schemas that a validator may visit where each reference is followed."""
    total = 1
    if isinstance(schema, dict) and "$ref" in schema:
        total += _referred_size(schema["$ref"], definitions, sizes, within)
    for path, member in find_subschemas(schema):
        if path[0] != "$defs":
            total += _expanded_size(member, definitions, sizes, within)
    return total


def _referred_size(
    reference: JSON, definitions: dict[str, JSON], sizes: dict[str, int], within: tuple[str, ...]
) -> int:
    name = reference.removeprefix(LOCAL) if isinstance(reference, str) else ""
    if reference != LOCAL + name or name not in definitions:
        raise UnboundedSchema(f"$ref must name one of the schema's own $defs, as {LOCAL}name")
    if name in within:
        raise UnboundedSchema(f"$defs/{name} refers to itself")
    if name not in sizes:
        sizes[name] = _expanded_size(definitions[name], definitions, sizes, (*within, name))
    return sizes[name]
