"""A tenant's look: its accent colour as a style sheet, its logo and those of clients by a proxy.

Nothing that a tenant writes becomes HTML, CSS or an address that a person's browser opens.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from django.http import HttpResponse, HttpResponseNotFound, HttpResponseNotModified

from tenants import outgoing
from tenants.errors import OutgoingFailed, OutgoingRefused
from tenants.queries.clients import find_logo_uri
from tokens.front_channel.contrast import text_colour_on
from tokens.front_channel.page import Page
from tokens.outside_calls import NoAnswerYet, NotCalled, OutsideCalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tokens.front_channel.page import Visit

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
MAX_LOGO_BYTES: Final = 65_536
KEPT_SECONDS: Final = 86_400
FAILED_SECONDS: Final = 600
BROWSER_SECONDS: Final = 3_600
STYLE_SECONDS: Final = 300
# Of their own, so that nobody's token waits for a picture.
LOGO_CALLS: Final = OutsideCalls()
# What an image is, its first bytes say. Never SVG: it can carry scripts.
SIGNATURES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
)
MEDIA_TYPES: Final = tuple(media_type for _signature, media_type in SIGNATURES)
# Tried and no image; remembered for a while, so that nobody makes us call again and again.
NO_LOGO: Final = ("", b"")


class StylePage(Page):
    """Writes the tenant's accent colour as a style sheet."""

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Answer the style sheet."""
        colour = visit.tenant.branding.accent_colour
        style = ""
        if COLOUR.fullmatch(colour):
            style = f":root {{ --accent: {colour}; --on-accent: {text_colour_on(colour)}; }}\n"
        return _answer(visit, "text/css; charset=utf-8", style.encode(), STYLE_SECONDS)


class LogoPage(Page):
    """Answers the tenant's logo."""

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Answer the image, or 404 where there is none now."""
        return _show_logo(visit, visit.tenant.branding.logo_uri)


class ClientLogoPage(Page):
    """Answers the logo of a client."""

    def show(self, visit: Visit, *, client: UUID, **_fixed: str) -> HttpResponse:  # type: ignore[override]  # The URL's converter makes a UUID.
        """Answer the image, or 404 where there is none now."""
        return _show_logo(visit, find_logo_uri(visit.tenant.id, client))


def _show_logo(visit: Visit, uri: str) -> HttpResponse:
    media_type, image = find_logo(visit.tenant.id, uri) if uri else NO_LOGO
    if not image:
        return HttpResponseNotFound()
    return _answer(visit, media_type, image, BROWSER_SECONDS)


def find_logo(
    tenant_id: UUID, uri: str, *, fetch: Callable[..., bytes] = outgoing.fetch
) -> tuple[str, bytes]:
    """Find an image by its address: its media type and its bytes, both empty where there is none.

    It is fetched once a day, for the tenant's share of the calls to the outside.
    """
    key = f"logo:{hashlib.sha256(uri.encode()).hexdigest()}"
    known: tuple[str, bytes] | None = cache.get(key)
    if known is not None:
        return known
    call = partial(fetch, uri, accepted_media_types=MEDIA_TYPES, max_bytes=MAX_LOGO_BYTES)
    try:
        image = LOGO_CALLS.run(tenant_id, call)
    except (NotCalled, NoAnswerYet):
        return NO_LOGO
    except (OutgoingFailed, OutgoingRefused):
        image = b""
    media_type = name_image(image)
    found = (media_type, image) if media_type else NO_LOGO
    cache.set(key, found, KEPT_SECONDS if media_type else FAILED_SECONDS)
    return found


def name_image(image: bytes) -> str:
    """Name an image's media type by its first bytes; empty for anything else."""
    found = (media_type for signature, media_type in SIGNATURES if signature.match(image))
    return next(found, "")


def _answer(visit: Visit, media_type: str, body: bytes, seconds: int) -> HttpResponse:
    """Answer what browsers may keep; the same for everybody, so without any cookie."""
    entity_tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": entity_tag,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if visit.request.headers.get("If-None-Match", "") == entity_tag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type=media_type, headers=headers)
