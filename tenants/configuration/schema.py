"""Builds the published JSON Schema of the configuration from the vocabulary and the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, cast

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models as fields

from tenants.configuration.kinds import KINDS, PLATFORM
from tenants.configuration.schema_extras import EXTRAS, JSON_VALUES, SHAPES, UUID_PATTERN
from tenants.configuration.values import SPACED_LISTS, default_value

if TYPE_CHECKING:
    import re

    from tenants.configuration.vocabulary import Attribute, Kind
    from tenants.records import JSON

Schema: TypeAlias = "dict[str, JSON]"
IDENTIFIER = "https://json-schema.org/draft/2020-12/schema"
MAX_INTEGER = 2**31 - 1  # What PostgreSQL's integer keeps.
MOMENT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$",
}
BASE64URL: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}


def build_schema() -> Schema:
    """Build the JSON Schema (2020-12) of one document."""
    definitions: Schema = {name: _describe_kind(kind) for name, kind in KINDS.items()}
    definitions["platform"] = _describe_kind(PLATFORM)
    return {
        "$schema": IDENTIFIER,
        "title": "authplatform configuration",
        "description": "What `manage.py apply_config` reads and `manage.py export_config` writes.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"platform": {"$ref": "#/$defs/platform"}, "projects": _list_of("projects")},
        "$defs": definitions,
    }


def write_schema() -> str:
    """Write the schema as it is published in docs/configuration.schema.json."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe_kind(kind: Kind) -> Schema:
    properties: Schema = {}
    groups: dict[str, Schema] = {}
    for attribute in kind.attributes:
        scheme = _describe_attribute(kind, attribute)
        if attribute.group:
            groups.setdefault(attribute.group, {})[attribute.name] = scheme
        else:
            properties[attribute.name] = scheme
    for name, members in groups.items():
        properties[name] = _object(members, kinds=("object", "null"))
    properties |= {name: EXTRAS[name] for name in kind.extras}
    properties |= {name: _list_of(name) for name in kind.children}
    if kind is not PLATFORM:
        text = "An id of the caller's choice; it can't be changed later."
        properties["id"] = {"type": "string", "pattern": UUID_PATTERN, "description": text}
    return {**_object(properties), "required": _required(kind), **SHAPES.get(kind.name, {})}


def _object(properties: Schema, kinds: tuple[str, ...] = ("object",)) -> Schema:
    type_: JSON = [*kinds] if len(kinds) > 1 else kinds[0]
    return {"type": type_, "additionalProperties": False, "properties": properties}


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def _required(kind: Kind) -> list[JSON]:
    names: list[JSON] = [a.name for a in kind.attributes if is_required(kind, a)]
    return [*names, "id"] if kind.name == "signing_keys" else names


def is_required(kind: Kind, attribute: Attribute) -> bool:
    """Say whether an entry must say this. A built-in Api has an audience from its birth."""
    if kind.name == "apis" and attribute.name == "audience":
        return False
    model_field = kind.model_field(attribute)
    return attribute.name in kind.key or not (
        model_field.blank or model_field.null or model_field.has_default()
    )


def _describe_attribute(kind: Kind, attribute: Attribute) -> Schema:
    model_field = kind.model_field(attribute)
    scheme = _describe_value(kind, attribute)
    if not is_required(kind, attribute):
        _allow_null(scheme)
        if attribute.name not in kind.key:
            scheme["default"] = default_value(kind, attribute)
    if model_field.help_text:
        scheme["description"] = str(model_field.help_text)
    return scheme


def _allow_null(scheme: Schema) -> None:
    if isinstance(scheme.get("type"), str):
        scheme["type"] = [scheme["type"], "null"]
    if isinstance(choices := scheme.get("enum"), list):
        scheme["enum"] = [*choices, None]


def _describe_value(kind: Kind, attribute: Attribute) -> Schema:
    if kind.is_many(attribute):
        return {"type": "array", "items": _describe_name(attribute), "uniqueItems": True}
    if attribute.target:
        return {"type": "string", "minLength": 1}
    if attribute.field_name in SPACED_LISTS:
        return {"type": "array", "items": {"type": "string", "pattern": r"^\S+$"}}
    model_field = kind.model_field(attribute)
    if isinstance(model_field, fields.JSONField):
        return dict(JSON_VALUES[attribute.name])
    return _describe_field(model_field)


def _describe_name(attribute: Attribute) -> Schema:
    if attribute.target == "subjects":  # End users have no other name than their id.
        return {"type": "string", "pattern": UUID_PATTERN}
    return {"type": "string", "minLength": 1}


def _describe_field(model_field: fields.Field[object, object]) -> Schema:
    match model_field:
        case fields.BooleanField():
            return {"type": "boolean"}
        case fields.IntegerField():
            return {"type": "integer", **_bounds(model_field)}
        case fields.DateTimeField():
            return dict(MOMENT)
        case fields.BinaryField():
            return dict(BASE64URL)
        case ArrayField():
            items = _describe_field(model_field.base_field)
            return {"type": "array", "items": items, "uniqueItems": True}
        case _:
            return _describe_text(model_field)


def _bounds(model_field: fields.Field[object, object]) -> Schema:
    minimum, maximum = 0, MAX_INTEGER
    for validator in model_field.validators:
        if isinstance(validator, MinValueValidator):
            minimum = max(minimum, int(cast("int", validator.limit_value)))
        elif isinstance(validator, MaxValueValidator):
            maximum = min(maximum, int(cast("int", validator.limit_value)))
    return {"minimum": minimum, "maximum": maximum}


def _describe_text(model_field: fields.Field[object, object]) -> Schema:
    scheme: Schema = {"type": "string"}
    if model_field.choices:
        choices: list[JSON] = [str(value) for value, _ in model_field.flatchoices]
        return {**scheme, "enum": [*choices, ""] if model_field.blank else choices}
    if model_field.max_length:
        scheme["maxLength"] = model_field.max_length
    if not model_field.blank:
        scheme["minLength"] = 1
    for validator in model_field.validators:
        if type(validator) is RegexValidator:
            # JSON Schema's $ means the very end already. Source: ECMA-262 section 22.2.2.3.
            pattern = cast("re.Pattern[str]", validator.regex).pattern
            pattern = pattern.replace(r"\Z", "$")
            scheme["pattern"] = f"^$|{pattern}" if model_field.blank else pattern
    return scheme
