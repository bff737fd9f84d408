"""What an added claim may be: its name, its size and its depth. Pure.

A token travels in a header with every call, so what rules and hooks add to it is bounded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import orjson

from tenants.records import RESERVED_CLAIMS, RESERVED_PREFIXES

if TYPE_CHECKING:
    from tenants.records import JSON

MAX_CLAIM_BYTES: Final = 4_096
MAX_CLAIMS_BYTES: Final = 8_192
MAX_CLAIM_DEPTH: Final = 8
MAX_NAME_CHARACTERS: Final = 200
# Names by which a careless reader in JavaScript would change more than an object of its own.
DANGEROUS_NAMES: Final = frozenset(("__proto__", "constructor", "prototype"))
RESERVED: Final = "This claim is reserved; use a name of your own, such as a URL."
_LARGEST: Final = (1 << 63) - 1


class UnwritableClaim(ValueError):
    """A claim's value is too large, too deep, or no JSON."""


def find_name_mistake(name: object) -> str:
    """Say what is wrong with the name of an added claim; an empty text where nothing is."""
    if type(name) is not str or not 0 < len(name) <= MAX_NAME_CHARACTERS:
        return f"Name the claim by a text of 1 to {MAX_NAME_CHARACTERS} characters."
    if not name.isprintable() or name != name.strip():
        return "Leave spaces around the name, control characters and half surrogates out."
    if is_reserved(name):
        return RESERVED
    if name in DANGEROUS_NAMES:
        return "Programs in JavaScript take this name for another thing; choose one of your own."
    return ""


def is_harmless(name: str) -> bool:
    """Say whether the name of a member within a claim can be read and stored everywhere."""
    return name.isprintable() and name not in DANGEROUS_NAMES


def is_reserved(name: str) -> bool:
    """Say whether a specification or a profile defines a claim, so that nobody adds it."""
    return name in RESERVED_CLAIMS or name.startswith(RESERVED_PREFIXES)


def measure_claim(value: object) -> int:
    """Answer how many bytes a value takes as JSON.

    Raises:
        UnwritableClaim: it can't be a claim.
    """
    if type(value) is not str:
        _check(value, 0)
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise UnwritableClaim("it has half a surrogate pair") from error
    if size > MAX_CLAIM_BYTES:
        raise UnwritableClaim(f"it has {size} bytes, of at most {MAX_CLAIM_BYTES}")
    return size


def _check(value: object, depth: int) -> None:
    """Let through what JSON has, and nothing that only can be turned into it."""
    if depth > MAX_CLAIM_DEPTH:
        raise UnwritableClaim(f"it has more than {MAX_CLAIM_DEPTH} levels")
    kind = type(value)
    if kind is dict or kind is list:
        _check_all(value, depth + 1)  # type: ignore[arg-type]  # as just asked.
    elif kind is int or kind is float:
        _check_number(value)  # type: ignore[arg-type]  # as just asked.
    elif kind not in {str, bool, type(None)}:
        raise UnwritableClaim(f"it has a {kind.__name__}, which is no JSON")


def _check_all(value: dict[object, JSON] | list[JSON], depth: int) -> None:
    if len(value) > MAX_CLAIM_BYTES:
        raise UnwritableClaim(f"it has more than {MAX_CLAIM_BYTES} members")
    if isinstance(value, list):
        members = value
    else:
        members = [*value.values()]
        for name in value:
            if type(name) is not str or name in DANGEROUS_NAMES:
                raise UnwritableClaim("it has a member whose name is no text, or a dangerous one")
    for member in members:
        _check(member, depth)


def _check_number(value: float) -> None:
    """Refuse what is no number, and integers that no reader can hold."""
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > _LARGEST):
        raise UnwritableClaim("it has a number that JSON can't write")
