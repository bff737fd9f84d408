"""The two cookies of a person's browser: who is signed in at a tenant, and which browser it is.

Both hold for one tenant's path only, and an operator's browser sends neither to the admin.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import TenantSnapshot

SIGN_IN: Final = "authplatform-sign-in"
BROWSER: Final = "authplatform-browser"
_BROWSER_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def _name(name: str) -> str:
    return f"__Secure-{name}" if settings.TENANTS_BASE_URL.startswith("https:") else name


def read_sign_in(request: HttpRequest) -> str:
    """Answer the text of the sign-in cookie; empty where there is none."""
    return request.COOKIES.get(_name(SIGN_IN), "")


def read_browser(request: HttpRequest) -> str:
    """Answer the secret of the browser; empty where it has none, or one that we never made."""
    text = request.COOKIES.get(_name(BROWSER), "")
    return text if _BROWSER_SECRET.fullmatch(text) else ""


def make_browser() -> str:
    """Make the secret of a browser that has none."""
    return secrets.token_urlsafe(32)


def set_sign_in(response: HttpResponse, tenant: TenantSnapshot, text: str) -> None:
    """Give the browser the cookie of a person who has signed in."""
    _set(response, tenant, SIGN_IN, text, max_age=tenant.sign_in.lifetime_seconds)


def forget_sign_in(response: HttpResponse, tenant: TenantSnapshot) -> None:
    """Take the cookie of a person who has signed out."""
    _set(response, tenant, SIGN_IN, "", max_age=0)


def set_browser(response: HttpResponse, tenant: TenantSnapshot, text: str) -> None:
    """Give the browser its secret, until it is closed."""
    _set(response, tenant, BROWSER, text, max_age=None)


def _set(
    response: HttpResponse, tenant: TenantSnapshot, name: str, text: str, *, max_age: int | None
) -> None:
    # Lax, not Strict: people arrive from their clients' pages. Source: RFC 6265bis section 5.6.7.
    response.set_cookie(
        _name(name),
        text,
        max_age=max_age,
        path=f"/t/{tenant.path}",
        secure=settings.TENANTS_BASE_URL.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
