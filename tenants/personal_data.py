"""How a model says what is personal in its rows, so that an erasure finds all of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Where a model's rows name a subject, and what of them an erasure leaves.

    `subject` is the look-up by which a subject's rows are found, of a value of `subject_type`.
    `left` holds the values that personal columns get; None says that the rows go as a whole.
    """

    subject: str
    left: Mapping[str, object] | None = None
    subject_type: type = object
