"""Form fields that refuse what PostgreSQL can't store, and lists as people write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from unfold.widgets import UnfoldAdminTextareaWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_JSON_CHARACTERS = 65_536
MAX_LINES = 100
ROWS = {"rows": 4}


class StorableJSONField(forms.JSONField):
    """JSON of bounded size and depth, without what `jsonb` can't hold."""

    def __init__(
        self,
        *,
        empty: Callable[[], Any] | None = None,
        **options: Any,  # noqa: ANN401 - Django's signature.
    ) -> None:
        """Show some lines of it; `empty` makes what stands for an empty text, else null does."""
        self.empty = empty
        super().__init__(**{**options, "widget": UnfoldAdminTextareaWidget(ROWS)})

    def bound_data(self, data: Any, initial: Any) -> Any:  # noqa: ANN401 - Django's signature.
        """Show what was typed just as it was: reading it is what may have failed."""
        return initial if self.disabled or data is None else InvalidJSONInput(data)

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 - any JSON.
        """Read the text.

        Raises:
            ValidationError: it is no JSON, or too much, or holds a NUL or half a character.
        """
        if value == "" and self.empty is not None:
            return self.empty()
        if isinstance(value, str) and len(value) > MAX_JSON_CHARACTERS:
            raise ValidationError(f"Use at most {MAX_JSON_CHARACTERS} characters.")
        try:
            parsed = super().to_python(value)
            text = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
            text.encode()
        except RecursionError:
            raise ValidationError("This JSON is nested too deeply.") from None
        except UnicodeEncodeError:
            raise ValidationError("This JSON holds half of a surrogate pair.") from None
        except ValueError as error:
            raise ValidationError("This JSON holds a number that is none.") from error
        if "\\u0000" in text:
            raise ValidationError("This JSON holds a NUL character.")
        return parsed


class LinesField(forms.CharField):
    """A list of short texts or of numbers, one on each line."""

    def __init__(
        self,
        *,
        read_line: Callable[[str], Any] = str,
        validate_line: Sequence[Callable[[Any], None]] = (),
        **options: Any,  # noqa: ANN401 - Django's signature.
    ) -> None:
        """Keep what reads each line, and what it must pass."""
        self.read_line = read_line
        self.validate_line = validate_line
        super().__init__(**{**options, "widget": UnfoldAdminTextareaWidget(ROWS)})
        self.help_text = f"{self.help_text} One on each line.".strip()

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - the stored list, or what was typed.
        """Write a stored list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - Django's signature.
        """Read the lines.

        Raises:
            ValidationError: there are too many lines, or one is wrong.
        """
        text = super().clean(value)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(f"Write at most {MAX_LINES} lines.")
        items = [self.read_line(line) for line in lines]
        for item in items:
            for validate in self.validate_line:
                validate(item)
        return items

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ANN401 - Django's signature.
        """Compare line by line."""
        return bool(self.prepare_value(initial or []).split() != (data or "").split())
