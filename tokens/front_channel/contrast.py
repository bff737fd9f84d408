"""Which text can be read on a colour. Source: WCAG 2.2 section 1.4.3 and its relative luminance."""

from __future__ import annotations

from typing import Final

BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
_LINEAR_UP_TO: Final = 0.04045
_WEIGHTS: Final = (0.2126, 0.7152, 0.0722)


def text_colour_on(colour: str) -> str:
    """Choose black or white, whichever is easier to read; one of them always reaches 4.5 to 1."""
    return max((BLACK, WHITE), key=lambda text: contrast(text, colour))


def contrast(one: str, other: str) -> float:
    """Answer the contrast ratio of two colours written as #rrggbb, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return sum(
        weight * _linear(channel) for weight, channel in zip(_WEIGHTS, channels, strict=True)
    )


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= _LINEAR_UP_TO else ((channel + 0.055) / 1.055) ** 2.4
