"""Makes token ids: UUIDs in version 7's layout whose time is the expiry, so that they partition."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

ENTROPY_BYTES: Final = 10
MAX_MILLISECONDS: Final = (1 << 48) - 1

_TIME_SHIFT: Final = 80
_VERSION_AND_VARIANT: Final = (0x7 << 76) | (0b10 << 62)
_ENTROPY_MASK: Final = (0xFFF << 64) | ((1 << 62) - 1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def expiry_ordered_uuid(expires_at_ms: int, entropy: bytes) -> UUID:
    """Make the id of a token that expires at this time, in milliseconds since the epoch.

    Raises:
        ValueError: the time doesn't fit into 48 bits, or the entropy is not of 10 bytes.
    Source: RFC 9562 section 5.7.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError("the entropy of a token id has 10 bytes")
    random_bits = int.from_bytes(entropy, "big") & _ENTROPY_MASK
    return UUID(int=_time_bits(expires_at_ms) | _VERSION_AND_VARIANT | random_bits)


def expiry_of(token_id: UUID) -> int:
    """Read the expiry out of a token id, in milliseconds since the epoch."""
    return token_id.int >> _TIME_SHIFT


def lower_bound(milliseconds: int) -> UUID:
    """Answer the smallest UUID of all that expire at this time, in milliseconds since the epoch.

    Raises: ValueError where the time doesn't fit into 48 bits.
    """
    return UUID(int=_time_bits(milliseconds))


def partition_bounds(day: date) -> tuple[UUID, UUID]:
    """Answer the bounds of a UTC day's partition: the first id, and the first of the next day.

    Like PostgreSQL's `FROM (...) TO (...)`: the first bound is inside, the second outside.
    """
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    return lower_bound(_milliseconds(midnight)), lower_bound(_milliseconds(midnight + timedelta(1)))


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _time_bits(milliseconds: int) -> int:
    if not 0 <= milliseconds <= MAX_MILLISECONDS:
        raise ValueError("the time doesn't fit into a UUID of version 7")
    return milliseconds << _TIME_SHIFT
