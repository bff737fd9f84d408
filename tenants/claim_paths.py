"""Names of what claim rules read: `client_id`, `subject.attributes.x`, `foreign.x`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tenants.claim_document import ATTRIBUTES, FOREIGN, RECORD_FIELDS, SUBJECT
from tenants.policy_document import ABSENT, DocumentTooLarge
from tenants.policy_engines.findings import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenants.policy_document import Document
    from tenants.records import JSON

ClaimPath: TypeAlias = tuple[str, ...]
MAX_STEPS: Final = 8
MAX_STEP_CHARACTERS: Final = 200
OF_SUBJECT: Final = (SUBJECT, ATTRIBUTES)


def read_value(document: Document, path: ClaimPath) -> JSON:
    """Answer what stands at a path; None where nothing does, or it is too large to be read."""
    try:
        value: Any = document.read(path[0])
    except DocumentTooLarge:
        return None
    for name in path[1:]:
        value = value.get(name, ABSENT) if type(value) is dict else ABSENT
    return None if value is ABSENT else value


def find_path_mistake(path: ClaimPath, *, is_plain: bool) -> str:
    """Say what is wrong with a path; an empty text where nothing is.

    A plain one leads to a text, number or boolean, as far as that is known beforehand.
    """
    if len(path) > MAX_STEPS + 2 or any(not 0 < len(s) <= MAX_STEP_CHARACTERS for s in path):
        return f"A name has at most {MAX_STEPS} steps of 1 to {MAX_STEP_CHARACTERS} characters."
    if path[0] == FOREIGN:
        return "" if len(path) > 1 else "Name a claim: foreign.department."
    if path[0] == SUBJECT:
        is_right = path[:2] == OF_SUBJECT and len(path) > len(OF_SUBJECT)
        return "" if is_right else "Name an attribute: subject.attributes.department."
    return _find_field_mistake(path, is_plain=is_plain)


def _find_field_mistake(path: ClaimPath, *, is_plain: bool) -> str:
    known = RECORD_FIELDS.get(path[0])
    if known is None or len(path) > 1:
        name = ".".join(path)[:MAX_STEP_CHARACTERS]
        return f"Claim rules know no {name}.{suggest(name, RECORD_FIELDS)}"
    if is_plain and known.field.kind == "list":
        return f"{path[0]} is a list, which can't stand in a text; use the source record."
    return ""


def find_attributes(paths: Iterable[ClaimPath]) -> frozenset[str]:
    """Name the attributes of the subject that these paths lead through."""
    depth = len(OF_SUBJECT)
    return frozenset(path[depth] for path in paths if path[:depth] == OF_SUBJECT and path[depth:])


def find_foreign_claims(paths: Iterable[ClaimPath]) -> frozenset[str]:
    """Name the foreign claims that these paths lead through."""
    return frozenset(path[1] for path in paths if path[:1] == (FOREIGN,) and path[1:])
