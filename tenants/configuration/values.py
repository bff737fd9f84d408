"""Converts between what a file says and what a model's field keeps."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import BinaryField, DateTimeField

from tenants.configuration.vocabulary import NAMING_FIELDS

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from tenants.configuration.vocabulary import Attribute, Kind
    from tenants.records import JSON

# Lists that the inherited model keeps as one text with spaces.
NO_MOMENT = "write a moment with its zone, such as 2027-01-31T12:00:00Z"
SPACED_LISTS = frozenset(("redirect_uris", "post_logout_redirect_uris"))


def read_value(kind: Kind, attribute: Attribute, entity: Model) -> JSON:
    """Answer what a file would say of an entity; of a new one, its links are empty."""
    if kind.is_many(attribute):
        if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            return []
        naming = NAMING_FIELDS[attribute.target]
        targets = getattr(entity, attribute.field_name).all()
        names: list[JSON] = [*sorted(str(getattr(target, naming)) for target in targets)]
        return names
    if attribute.target:
        return _name_of(entity, attribute)
    value = getattr(entity, attribute.field_name)
    if attribute.field_name in SPACED_LISTS:
        value = str(value).split()
    return _plain(value, is_set=attribute.is_set)


def default_value(kind: Kind, attribute: Attribute) -> JSON:
    """Answer what holds where a file says nothing."""
    if kind.is_many(attribute) or attribute.field_name in SPACED_LISTS:
        return []
    if attribute.target:
        return None
    return _plain(kind.model_field(attribute).get_default(), is_set=attribute.is_set)


def normalise(kind: Kind, attribute: Attribute, stated: JSON) -> JSON:
    """Bring a stated value into the one form in which values are compared.

    Raises:
        ValueError: it is no moment, or no base64url.
    """
    if stated is None:
        return default_value(kind, attribute)
    if attribute.is_set:
        return cast("JSON", sorted(set(cast("list[str]", stated))))
    model_field = kind.model_field(attribute)
    if isinstance(model_field, DateTimeField):
        return _plain(parse_moment(str(stated)))
    if isinstance(model_field, BinaryField):
        return encode_bytes(decode_bytes(str(stated)))
    return stated


def to_python(model_field: Field[object, object], plain: JSON) -> object:
    """Turn a normalised value into what the model's field keeps."""
    if isinstance(model_field, DateTimeField):
        return None if plain is None else parse_moment(str(plain))
    if isinstance(model_field, BinaryField):
        return None if plain is None else decode_bytes(str(plain))
    if isinstance(model_field, ArrayField):
        return plain
    if model_field.name in SPACED_LISTS:
        return " ".join(cast("list[str]", plain))
    return plain


def is_same(one: JSON, other: JSON) -> bool:
    """Compare as JSON does: unlike in Python, true is not 1 and 1 is not 1.0."""
    return one is other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def parse_moment(text: str) -> datetime:
    """Read a moment with its zone.

    Raises:
        ValueError: it is none, or has no zone.
    Source: RFC 3339 section 5.6.
    """
    try:
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(NO_MOMENT) from None
    if moment.tzinfo is None:
        raise ValueError(NO_MOMENT)
    return in_utc


def encode_bytes(value: bytes) -> str:
    """Write bytes as base64url without padding. Source: RFC 7515 section 2."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_bytes(text: str) -> bytes:
    """Read base64url without padding.

    Raises:
        ValueError: it is something else.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("write base64url, as export_config does") from None


def _name_of(entity: Model, attribute: Attribute) -> JSON:
    if getattr(entity, f"{attribute.field_name}_id") is None:
        return None
    return str(getattr(getattr(entity, attribute.field_name), NAMING_FIELDS[attribute.target]))


def _plain(value: object, *, is_set: bool = False) -> JSON:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case bytes() | memoryview():
            return encode_bytes(bytes(value))
        case list() if is_set:
            return cast("JSON", sorted(value))
        case str():
            return str(value)  # A choice is a str of its own class.
        case _:
            return cast("JSON", value)
