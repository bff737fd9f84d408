"""The fields of the documents: each takes exactly one JSON type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from tenants.impersonation import MAX_PATTERN_CHARACTERS
from tenants.models.fields import validate_pattern
from tenants.services.redirect_uris import MAX_URI_CHARACTERS, explain_redirect_uri

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from tenants.models import Scope

MAX_ITEMS: Final = 100
MAX_SCOPE_CHARACTERS: Final = 8_192
# Source: RFC 6749 section 3.3, one or more scope tokens with single spaces between them.
SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")


class Text(serializers.CharField):
    """A JSON string, as it is: never a number, never trimmed."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Keep spaces, so that the validators see them."""
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: str) -> str:
        """Refuse what is no string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """A JSON boolean; neither `"yes"` nor 1 will do."""

    def to_internal_value(self, data: Any) -> bool:  # noqa: ANN401 - what the caller sent.
        """Refuse what is no boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:50])
        return data


class Seconds(serializers.IntegerField):
    """A JSON integer; neither a string nor a fraction will do."""

    def to_internal_value(self, data: float | str) -> int:
        """Refuse what is no integer."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Count(Seconds):
    """A JSON integer that counts something."""


class EpochSeconds(serializers.IntegerField):
    """A moment in seconds since the epoch. Source: RFC 7591 section 3.2.1."""

    def to_representation(self, value: datetime) -> int:  # type: ignore[override]  # a moment.
        """Write whole seconds."""
        return int(value.timestamp())


class Choice(serializers.ChoiceField):
    """One string out of a closed vocabulary."""

    def to_internal_value(self, data: Any) -> str:  # noqa: ANN401 - what the caller sent.
        """Refuse what is no string before it is looked up."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:50])
        return str(super().to_internal_value(data))


class Texts(serializers.ListField):
    """A JSON array of different values, bounded."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the array, where nothing else is said."""
        options.setdefault("max_length", MAX_ITEMS)
        super().__init__(**options)

    def to_internal_value(self, data: list[Any]) -> list[Any]:
        """Refuse repetitions, which could only be mistakes."""
        values = super().to_internal_value(data)
        if len(set(values)) < len(values):
            raise serializers.ValidationError("A value is repeated.")
        return values


class RedirectURI(Text):
    """An absolute URI without fragment. Source: RFC 6749 section 3.1.2, RFC 8252 section 7."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the text."""
        super().__init__(max_length=MAX_URI_CHARACTERS, **options)

    def to_internal_value(self, data: str) -> str:
        """Refuse what a browser must not be sent to."""
        uri = super().to_internal_value(data)
        wrong = explain_redirect_uri(uri)
        if wrong:
            raise serializers.ValidationError(wrong)
        return uri


class URITexts(Texts):
    """A JSON array of URIs, which the model keeps as one text with spaces between them."""

    child = RedirectURI()

    def to_representation(self, data: Any) -> list[Any]:  # noqa: ANN401 - the model's text.
        """Take the text apart."""
        return str(data).split()

    def run_validation(self, data: Any = empty) -> Any:  # noqa: ANN401 - the model's text.
        """Write the text once the array is validated; no URI contains a space."""
        return " ".join(super().run_validation(data))


class Pattern(Text):
    """A pattern in the syntax of RE2."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the text."""
        super().__init__(
            max_length=MAX_PATTERN_CHARACTERS, validators=[validate_pattern], **options
        )


class ScopeText(Text):
    """Scope names with single spaces between them. Source: RFC 6749 section 3.3."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the text; an empty one names no scope."""
        super().__init__(allow_blank=True, max_length=MAX_SCOPE_CHARACTERS, **options)

    def to_representation(self, value: QuerySet[Scope]) -> str:  # type: ignore[override]  # a relation.
        """Write the names in their order."""
        return " ".join(sorted(scope.name for scope in value.all()))

    def run_validation(self, data: Any = empty) -> tuple[str, ...]:  # noqa: ANN401 - as sent.
        """Take the names apart once the text is validated; the view looks them up."""
        text = super().run_validation(data)
        if text and not SCOPE.fullmatch(text):
            raise serializers.ValidationError("Write scope names with single spaces between them.")
        return tuple(dict.fromkeys(text.split(" "))) if text else ()


@extend_schema_field(OpenApiTypes.OBJECT)
class KeySet(serializers.JSONField):
    """A JWK Set, of which the model keeps the keys. Source: RFC 7517 section 5."""

    def to_representation(self, value: Any) -> Any:  # noqa: ANN401 - the model's JSON.
        """Write the keys as a set."""
        return {"keys": value}

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 - what the caller sent.
        """Refuse what is no set; the service looks at the keys."""
        if not isinstance(data, dict) or set(data) != {"keys"}:
            raise serializers.ValidationError('Write a JWK Set: {"keys": [...]}.')
        return data["keys"]
