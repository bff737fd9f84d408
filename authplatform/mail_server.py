"""Reads the URL of the mail server into Django's settings for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

# How a connection is protected, and the port where the URL names none. Source: RFC 8314.
PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and how; without a user nobody signs in there."""

    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    uses_starttls: bool = False
    uses_tls: bool = False


def read_url(text: str) -> MailServer:
    """Read a URL such as smtps://user:password@mail.example:465; the local server without one.

    Raises:
        ValueError: it is none. The message repeats nothing: it may hold a password.
    """
    if not text:
        return MailServer()
    parts = urlsplit(text)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("not the URL of a mail server")
    return MailServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        uses_starttls=parts.scheme == "smtp+starttls",
        uses_tls=parts.scheme == "smtps",
    )
