"""Which addresses of pages and endpoints are stored beside redirect URIs: https, and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urldefrag

from django.conf import settings

from tenants.services.redirect_uris import explain_redirect_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
PRODUCTION: Final = "production"


def explain_page(address: str) -> str:
    """Say why people can't be sent to a page; an empty text where they can."""
    return explain_endpoint(urldefrag(address).url)


def explain_endpoint(address: str) -> str:
    """Say why an address can't be called or begin a sign-in; an empty text where it can.

    Plain http is for loopback addresses, and there only outside of production.
    """
    scheme, _, _ = address.lower().partition(":")
    is_local = scheme == "http" and settings.AUTHPLATFORM_STAGE != PRODUCTION
    if scheme != "https" and not is_local:
        return "Write an address that begins with https://."
    return explain_redirect_uri(address)


def find_wrong_addresses(
    entity: Model, names: Iterable[str], explain: Callable[[str], str]
) -> Messages:
    """Answer what is wrong with those fields of an entity that hold an address."""
    stated = {name: getattr(entity, name) for name in names}
    return {name: [wrong] for name, uri in stated.items() if uri and (wrong := explain(uri))}
