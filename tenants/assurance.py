"""How surely a person was recognised: the ordered values of `acr`, and what reaches them. Pure.

Source: RFC 9470 section 4, OpenID Connect Core section 2; `phr` is of OpenID Connect Extended
Authentication Profile (EAP) ACR Values 1.0.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Assurance(StrEnum):
    """The values of `acr`, the weakest first."""

    ONE_FACTOR = "urn:authplatform:acr:one-factor"
    PHISHING_RESISTANT = "phr"


LEVELS: Final = tuple(Assurance)


def reaches(acr: str, needed: str) -> bool:
    """Say whether an `acr` is at least the one that is needed; nothing needed is always reached."""
    if not needed:
        return True
    if acr not in LEVELS or needed not in LEVELS:
        return False
    return LEVELS.index(Assurance(acr)) >= LEVELS.index(Assurance(needed))


def strongest(values: list[str]) -> str:
    """Answer the strongest of the values that are known; empty where none is."""
    known = [value for value in values if value in LEVELS]
    return max(known, key=lambda value: LEVELS.index(Assurance(value)), default="")
