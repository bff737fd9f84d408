"""A WSGI function without a framework: Basic, HMAC, ES256, JSON, and one statement."""

from __future__ import annotations

import base64
import hmac
import json
import os
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import orjson
import psycopg

from authplatform import child_signals
from benchmarks.bare import row
from tokens.jwk import SigningAlgorithm
from tokens.signing import encode_header, prepare_key, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

child_signals.terminate_with_parent()
FACTS: Final[dict[str, Any]] = json.loads(os.environ["BARE_FACTS"])
PEPPER: Final = base64.b64decode(FACTS["pepper"])
CLIENT_ID, _secret = FACTS["clients"]["jwt"]
SECRET_HASH: Final = row.hash_secret(PEPPER, _secret.encode())
KEY: Final = prepare_key(
    kid=FACTS["kid"],
    algorithm=SigningAlgorithm.ES256,
    private=base64.b64decode(FACTS["private_key"]),
)
HEADER: Final = encode_header({"alg": "ES256", "typ": "at+jwt", "kid": KEY.kid})
OPAQUE_CHARACTERS: Final = 64
SELECT: Final = """
SELECT secret_hash, scopes, audiences, extract(epoch FROM expires_at)::bigint
FROM tokens_accesstoken WHERE id = %(id)b AND revoked_at IS NULL AND expires_at > now()"""
_kept = threading.local()


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Issue a token, or describe one."""
    form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    if not _is_authentic(environ.get("HTTP_AUTHORIZATION", "")):
        status, answer = "401 Unauthorized", {"error": "invalid_client"}
    elif environ["PATH_INFO"] == "/token":
        status, answer = "200 OK", _issue()
    else:
        status, answer = "200 OK", _introspect(form["token"][0])
    content = orjson.dumps(answer)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(status, [*headers, ("Cache-Control", "no-store")])
    return [content]


def _is_authentic(authorization: str) -> bool:
    client_id, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    digest = row.hash_secret(PEPPER, secret.encode())
    return client_id == CLIENT_ID and hmac.compare_digest(digest, SECRET_HASH)


def _issue() -> dict[str, Any]:
    values = row.values_of(FACTS)
    claims = {
        "iss": "http://127.0.0.1/",
        "sub": CLIENT_ID,
        "aud": row.AUDIENCE,
        "client_id": CLIENT_ID,
        "scope": "read",
        "iat": int(values["issued_at"]),
        "exp": int(values["expires_at"]),
        "jti": str(values["id"]),
    }
    token = sign(KEY, HEADER, orjson.dumps(claims))
    _cursor().execute(row.INSERT, values, prepare=True, binary=True)
    lifetime = row.LIFETIME_SECONDS
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": "read"}


def _introspect(token: str) -> dict[str, Any]:
    raw = bytes.fromhex(token) if len(token) == OPAQUE_CHARACTERS else bytes(32)
    cursor = _cursor()
    cursor.execute(SELECT, {"id": UUID(bytes=raw[:16])}, prepare=True, binary=True)
    found = cursor.fetchone()
    if not found or not hmac.compare_digest(found[0], row.hash_secret(PEPPER, raw[16:])):
        return {"active": False}
    _, scopes, audiences, expires_at = found
    return {"active": True, "scope": " ".join(scopes), "aud": audiences, "exp": expires_at}


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Answer the one cursor of this thread."""
    if not hasattr(_kept, "cursor"):
        _kept.cursor = psycopg.connect(autocommit=True).cursor()
    cursor: psycopg.Cursor[tuple[Any, ...]] = _kept.cursor
    return cursor
