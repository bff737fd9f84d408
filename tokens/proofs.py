"""Remembers which texts a key of ours has signed: what was good once is good for ever.

Only this fact is kept, under the digest of the whole text; whether the token lives is the row's
business on every request, and a text that was refused is verified again each time.
"""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID

MAX_PROOFS: Final = 10_000


class Proof(NamedTuple):
    """The id that a text carries, and the key that has signed the text, as its row was then."""

    token_id: UUID
    key_id: UUID
    algorithm: str


_proofs: dict[bytes, Proof] = {}
_lock = threading.Lock()


def recall(text: str) -> Proof | None:
    """Answer what was proven of exactly this text."""
    return _proofs.get(_digest(text))


def remember(text: str, proof: Proof) -> None:
    """Keep what was proven; the oldest leaves."""
    with _lock:
        _proofs[_digest(text)] = proof
        if len(_proofs) > MAX_PROOFS:
            del _proofs[next(iter(_proofs))]


def forget() -> None:
    """Forget everything, as a new process knows nothing."""
    with _lock:
        _proofs.clear()


def count() -> int:
    """Say how many are remembered."""
    return len(_proofs)


def _digest(text: str) -> bytes:
    # JSON can carry lone surrogates: no token has any, but they are no error either.
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
