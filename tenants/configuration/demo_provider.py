"""Plays a hospital's identity provider, whose tokens are opaque: it has to be asked about them.

It stands in for somebody else's software, so it shares no code with our own tokens. A token says
by itself when it ends, and only who holds the provider's key can make or read one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON

PATH: Final = "/introspect"
KEY_NAME: Final = "DEMO_PROVIDER_KEY"
SECRET_NAME: Final = "DEMO_AIDBOX_PROVIDER_SECRET"  # noqa: S105 - the name of a variable.
# What demo.yaml says of the provider, too; a test holds the two together.
CLIENT_ID: Final = "box"
PREFIX: Final = "hosp_"
ISSUER: Final = "https://idp.hospital.example"
AUDIENCE: Final = "https://box.example"
SCOPE: Final = "system/*.read"
USER: Final = "dr-house"
LIFETIME_SECONDS: Final = 3600
KEY_BYTES: Final = 32


def make_key() -> str:
    """Make the provider's key, as one line of text."""
    return secrets.token_hex(KEY_BYTES)


def make_token(key: str, *, now: int) -> str:
    """Make an opaque token for the provider's one user; `now` in seconds since the epoch."""
    payload = f"{now + LIFETIME_SECONDS}-{secrets.token_hex(8)}"
    return f"{PREFIX}{payload}-{_sign(key, payload)}"


def introspect(token: str, known: Mapping[str, str], *, now: int) -> dict[str, JSON]:
    """Say what a token is worth. Source: RFC 7662 section 2.2."""
    payload, _, signature = token.removeprefix(PREFIX).rpartition("-")
    expected = _sign(known.get(KEY_NAME, ""), payload)
    if KEY_NAME not in known or not hmac.compare_digest(signature.encode(), expected.encode()):
        return {"active": False}
    expires_at = int(payload.partition("-")[0])
    if expires_at <= now:
        return {"active": False}
    return {
        "active": True,
        "iss": ISSUER,
        "sub": USER,
        "aud": AUDIENCE,
        "scope": SCOPE,
        "iat": expires_at - LIFETIME_SECONDS,
        "exp": expires_at,
    }


def is_client(authorization: str, known: Mapping[str, str]) -> bool:
    """Say whether the one client asks that the provider knows. Source: RFC 6749 section 2.3.1."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    name, _, secret = (unquote_plus(part) for part in pair.partition(":"))
    expected = known.get(SECRET_NAME, "")
    is_secret = bool(expected) and hmac.compare_digest(secret.encode(), expected.encode())
    return scheme.lower() == "basic" and name == CLIENT_ID and is_secret


def _sign(key: str, payload: str) -> str:
    return hmac.digest(key.encode(), payload.encode(), "sha256").hex()
