"""The code that a device shows: how it is drawn, written, and read as people type it.

Source: RFC 8628 section 6.1.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

# No vowels, so no words. Eight of twenty letters are 2.6 * 10^10 codes (34.5 bits): with as many
# devices as may wait for one client, each of the few guesses that a person is let make hits one
# with a chance of 1 to 2.5 millions.
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
CODE_CHARACTERS: Final = 8
MAX_TYPED_CHARACTERS: Final = 64


def draw_code() -> str:
    """Draw a code at random."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))


def read_code(text: str) -> str:
    """Read a code however it was typed; empty for what can't be one."""
    letters = [letter for letter in text[:MAX_TYPED_CHARACTERS].upper() if letter in ALPHABET]
    return "".join(letters) if len(letters) == CODE_CHARACTERS else ""


def write_code(code: str) -> str:
    """Write a code as people read it: in two halves."""
    half = CODE_CHARACTERS // 2
    return f"{code[:half]}-{code[half:]}"


def name_code(tenant_id: UUID, code: str) -> bytes:
    """Name the code of one tenant, so that the hashes of two with the same differ."""
    return f"user-code:{tenant_id}:{code}".encode()
