"""Which language a page speaks: what the client asked for, else the browser, else the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from django.utils.translation.trans_real import parse_accept_lang_header

from tokens.front_channel import continuations
from tokens.front_channel.errors import PageRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from tenants.records import TenantSnapshot

SPOKEN: Final = ("en", "de")
PARAMETER: Final = "ui_locales"  # OpenID Connect Core section 3.1.2.1
MAX_CHARACTERS: Final = 200
MAX_FIELDS: Final = 100


def choose(request: HttpRequest, tenant: TenantSnapshot) -> str:
    """Choose a language that is spoken here; each is named by its first two letters.

    An application that waits has said in its request what its person speaks.
    """
    asked = request.GET.get(PARAMETER, "") or _asked_before(request, tenant)
    spoken = first_spoken((*asked[:MAX_CHARACTERS].split(" "), *_accepted(request)))
    return spoken or tenant.branding.default_language


def choose_for_browser(request: HttpRequest) -> str:
    """Choose a language for a request that perhaps can't be read, and of which no tenant knows."""
    return first_spoken(_accepted(request)) or SPOKEN[0]


def _accepted(request: HttpRequest) -> list[str]:
    """List what the browser's person reads, the best first."""
    header = request.headers.get("Accept-Language", "")[:MAX_CHARACTERS]
    return [name for name, quality in parse_accept_lang_header(header) if quality]


def _asked_before(request: HttpRequest, tenant: TenantSnapshot) -> str:
    """Answer the `ui_locales` of the request that is continued; empty where there is none."""
    sealed = request.GET.get(continuations.PARAMETER, "")
    if not sealed:
        return ""
    try:
        query = continuations.unseal(tenant, sealed).query
        asked = parse_qs(query, max_num_fields=MAX_FIELDS).get(PARAMETER, [])
    except (PageRefused, ValueError):
        return ""  # The page itself says what is wrong.
    return asked[0] if asked else ""


def first_spoken(names: Iterable[str]) -> str:
    """Answer the first of the languages that is spoken here; empty where none is."""
    for name in names:
        primary = name.lower().partition("-")[0]
        if primary in SPOKEN:
            return primary
    return ""
