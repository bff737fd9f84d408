"""Which addresses a client may be sent back to. Source: RFC 6749 section 3.1.2, RFC 9700 2.1."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# Source: RFC 3986 appendix A; a URI is written in these characters and no others.
_CHARACTERS: Final = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
# Browsers run or open what these name instead of sending a code there.
DANGEROUS_SCHEMES: Final = frozenset(("javascript", "data", "vbscript", "file", "blob", "about"))
LOOPBACK_HOSTS: Final = frozenset(("127.0.0.1", "::1", "localhost"))
MAX_URI_CHARACTERS: Final = 2_000


def explain_redirect_uri(uri: str) -> str:
    """Answer what is wrong with a redirect URI; empty when nothing is."""
    if len(uri) > MAX_URI_CHARACTERS or not _CHARACTERS.fullmatch(uri):
        return "Write an absolute URI without spaces and of at most 2000 characters."
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "Write an absolute URI, such as https://app.example/callback."
    if port == 0 or not parts.scheme or (parts.scheme in {"http", "https"} and not host):
        return "Write an absolute URI, such as https://app.example/callback."
    if "#" in uri or parts.scheme in DANGEROUS_SCHEMES or parts.username is not None:
        return "Fragments, user names and schemes that browsers execute are refused."
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        return "Plain http is for loopback addresses only; use https (RFC 8252 section 8.3)."
    return ""
