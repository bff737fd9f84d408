"""What keeps other sites from submitting our forms: a token that only this browser's pages hold.

Source: RFC 9700 section 4.7, OAuth 2.0 Security BCP on CSRF.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings

from tokens.front_channel.errors import PageRefused

if TYPE_CHECKING:
    from django.http import HttpRequest

FIELD: Final = "form_token"
CROSS_SITE: Final = frozenset(("cross-site", "same-site"))


def make_token(browser: str) -> str:
    """Make the token of a browser's forms."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"form:{browser}".encode(), "sha256").hex()


def check(request: HttpRequest, browser: str) -> None:
    """Refuse a form that was not on one of our pages in this browser.

    Raises:
        PageRefused: it came from elsewhere, or the page is too old.
    """
    if _comes_from_elsewhere(request):
        raise PageRefused("foreign_form", status=403)
    presented = request.POST.get(FIELD, "")
    if not browser or not hmac.compare_digest(presented.encode(), make_token(browser).encode()):
        raise PageRefused("stale_form", status=403)


def _comes_from_elsewhere(request: HttpRequest) -> bool:
    if request.headers.get("Sec-Fetch-Site", "") in CROSS_SITE:
        return True
    origin = request.headers.get("Origin", "")
    own = urlsplit(settings.TENANTS_BASE_URL)
    return origin not in {"", "null", f"{own.scheme}://{own.netloc}"}
