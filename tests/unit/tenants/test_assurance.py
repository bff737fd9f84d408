"""The values of `acr` have an order, and unknown ones reach nothing."""

from __future__ import annotations

import pytest

from tenants.assurance import LEVELS, Assurance, reaches, strongest

WEAK, SURE = Assurance.ONE_FACTOR, Assurance.PHISHING_RESISTANT


@pytest.mark.parametrize(
    ("acr", "needed", "is_reached"),
    [
        ("", "", True),
        ("invented", "", True),
        (WEAK, WEAK, True),
        (SURE, WEAK, True),
        (WEAK, SURE, False),
        ("", WEAK, False),
        ("invented", WEAK, False),
        (SURE, "invented", False),
        ("invented", "invented", False),
    ],
)
def test_what_reaches_what(acr: str, needed: str, *, is_reached: bool) -> None:
    assert reaches(acr, needed) is is_reached


def test_strongest_of_the_known_values() -> None:
    assert LEVELS == (WEAK, SURE)
    assert strongest([WEAK, "invented", SURE]) == SURE
    assert strongest([WEAK]) == WEAK
    assert strongest(["invented"]) == strongest([]) == ""
