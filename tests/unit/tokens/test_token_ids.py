"""A token's id tells its expiry and lies in the partition of its day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.token_ids import expiry_of, expiry_ordered_uuid, lower_bound, partition_bounds

moments = st.integers(min_value=0, max_value=(1 << 48) - 1)
entropies = st.binary(min_size=10, max_size=10)


@given(moment=moments, entropy=entropies)
def test_id_is_of_version_7_and_tells_its_expiry(moment: int, entropy: bytes) -> None:
    token_id = expiry_ordered_uuid(moment, entropy)
    assert (token_id.version, token_id.variant) == (7, RFC_4122)
    assert expiry_of(token_id) == moment


@given(moment=moments, entropy=entropies)
def test_lower_bound_is_at_or_below_every_id_of_its_time(moment: int, entropy: bytes) -> None:
    assert lower_bound(moment) <= expiry_ordered_uuid(moment, entropy)
    if moment:
        assert expiry_ordered_uuid(moment - 1, entropy) < lower_bound(moment)


def test_all_other_bits_come_from_the_entropy() -> None:
    none, all_ = expiry_ordered_uuid(0, bytes(10)), expiry_ordered_uuid(0, b"\xff" * 10)
    assert none == UUID("00000000-0000-7000-8000-000000000000")
    assert all_ == UUID("00000000-0000-7fff-bfff-ffffffffffff")


def test_bounds_of_a_day_meet_those_of_the_next() -> None:
    first, end = partition_bounds(date(2026, 2, 28))
    assert end == partition_bounds(date(2026, 3, 1))[0]
    midnight = int(datetime(2026, 2, 28, tzinfo=UTC).timestamp() * 1000)
    last = midnight + timedelta(days=1) // timedelta(milliseconds=1) - 1
    assert first <= expiry_ordered_uuid(midnight, bytes(10))
    assert expiry_ordered_uuid(last, b"\xff" * 10) < end


@pytest.mark.parametrize("moment", [-1, 1 << 48])
def test_time_beyond_48_bits_is_refused(moment: int) -> None:
    with pytest.raises(ValueError, match="version 7"):
        expiry_ordered_uuid(moment, bytes(10))
    with pytest.raises(ValueError, match="version 7"):
        lower_bound(moment)


@pytest.mark.parametrize("size", [0, 9, 11])
def test_wrong_entropy_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        expiry_ordered_uuid(0, bytes(size))
