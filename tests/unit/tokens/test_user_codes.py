"""How user codes are drawn and read."""

from __future__ import annotations

import math

import pytest

from tokens.device_codes import MAX_PENDING
from tokens.user_codes import ALPHABET, CODE_CHARACTERS, draw_code, read_code, write_code


def test_alphabet_has_no_vowels_and_enough_entropy() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 20
    assert not set(ALPHABET) & set("AEIOUY")
    bits = CODE_CHARACTERS * math.log2(len(ALPHABET))
    assert bits > 34
    # RFC 8628 section 5.1: five guesses among all that may wait are worth very little.
    assert 5 * MAX_PENDING / 2**bits < 2**-18


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("BCDF-GHJK", "BCDFGHJK"),
        ("bcdfghjk", "BCDFGHJK"),
        (" b c d f - g h j k\n", "BCDFGHJK"),
        ("BCDF\u2013GHJK", "BCDFGHJK"),
        ("BCDF-GHJ", ""),
        ("BCDF-GHJKL", ""),
        ("AEIO-UAEI", ""),
        ("", ""),
        ("\x00" * 9, ""),
        ("B" * 10_000, ""),
        (" " * 64 + "BCDFGHJK", ""),
    ],
    ids=[
        "plain",
        "lower",
        "spaced",
        "long dash",
        "short",
        "long",
        "vowels",
        "empty",
        "NUL",
        "huge",
        "far behind",
    ],
)
def test_user_codes_are_read_as_people_type_them(typed: str, read: str) -> None:
    assert read_code(typed) == read


def test_writing_and_reading_are_inverse() -> None:
    assert read_code(write_code("BCDFGHJK")) == "BCDFGHJK"


def test_codes_are_drawn_from_all_letters() -> None:
    drawn = {draw_code() for _ in range(200)}
    assert len(drawn) == 200
    assert set("".join(drawn)) == set(ALPHABET)
    assert {len(code) for code in drawn} == {CODE_CHARACTERS}
