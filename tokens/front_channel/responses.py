"""Sends a client what it asked a person for, or why not. Source: RFC 6749 4.1.2, RFC 9207."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from tokens.front_channel.authorization_parameters import FORM_POST, FRAGMENT

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.errors import OAuthError
    from tokens.front_channel.authorization_errors import ReplyAddress
    from tokens.front_channel.page import Visit

FORM_POST_TEMPLATE: Final = "front_channel/form_post.html"
# Source: RFC 6749 section 4.1.2.1: what an error_description may not contain.
_FORBIDDEN: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def answer_code(visit: Visit, reply: ReplyAddress, code: str) -> HttpResponse:
    """Send the client the code. Source: RFC 6749 section 4.1.2."""
    return _answer(visit, reply, {"code": code})


def answer_error(visit: Visit, reply: ReplyAddress, error: OAuthError) -> HttpResponse:
    """Tell the client why there is no code. Source: RFC 6749 section 4.1.2.1."""
    description = _FORBIDDEN.sub("'", error.description)
    return _answer(visit, reply, {"error": error.error, "error_description": description})


def form_target(redirect_uri: str) -> str:
    """Answer the CSP source to which a form may lead that ends at the redirect URI.

    It is the scheme and not the origin: a browser holds `form-action` against the whole chain of
    redirects, and a client that is itself an issuer sends the person on to somebody else's site.
    """
    return f"{urlsplit(redirect_uri).scheme}:"


def _answer(visit: Visit, reply: ReplyAddress, members: dict[str, str]) -> HttpResponse:
    if reply.state:
        members["state"] = reply.state  # RFC 6749 section 4.1.2
    members["iss"] = visit.tenant.issuer  # RFC 9207 section 2
    if reply.response_mode == FORM_POST:
        return _post(visit, reply, members)
    encoded = urlencode(members, quote_via=quote)
    return visit.redirect(_join(reply, encoded))


def _join(reply: ReplyAddress, encoded: str) -> str:
    """Add the answer to the redirect URI, whose own query stays. Source: RFC 6749 3.1.2."""
    if reply.response_mode == FRAGMENT:
        return f"{reply.redirect_uri}#{encoded}"
    uri = reply.redirect_uri
    separator = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{separator}{encoded}"


def _post(visit: Visit, reply: ReplyAddress, members: dict[str, str]) -> HttpResponse:
    """Let the browser post the answer. Source: OAuth 2.0 Form Post Response Mode section 2."""
    context = {"redirect_uri": reply.redirect_uri, "members": members, "client": reply.client}
    targets = (form_target(reply.redirect_uri),)
    return visit.render(FORM_POST_TEMPLATE, context, form_targets=targets)
