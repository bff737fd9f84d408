"""Which language a page speaks: what the client asked for, else the browser, else the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation.trans_real import parse_accept_lang_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

SPOKEN: Final = ("en", "de")
PARAMETER: Final = "ui_locales"  # OpenID Connect Core section 3.1.2.1
MAX_CHARACTERS: Final = 200


def choose(request: HttpRequest, fallback: str) -> str:
    """Choose a language that is spoken here; each is named by its first two letters."""
    asked = request.GET.get(PARAMETER, "")[:MAX_CHARACTERS].split(" ")
    header = request.headers.get("Accept-Language", "")[:MAX_CHARACTERS]
    accepted = (name for name, quality in parse_accept_lang_header(header) if quality)
    return first_spoken((*asked, *accepted)) or fallback


def first_spoken(names: Iterable[str]) -> str:
    """Answer the first of the languages that is spoken here; empty where none is."""
    for name in names:
        primary = name.lower().partition("-")[0]
        if primary in SPOKEN:
            return primary
    return ""
