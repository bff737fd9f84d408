"""Makes the key and the client of the bare function, and the token that it introspects.

Reads the platform's facts from standard input and writes what the function and the load need.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.bare import row
from tokens.jwk import SigningAlgorithm, generate_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

OPAQUE_SECRET_BYTES = 16


def main() -> None:
    """Store one token and describe everything."""
    platform: Mapping[str, Any] = json.load(sys.stdin)
    key = generate_key(SigningAlgorithm.ES256)
    pepper, secret = secrets.token_bytes(32), secrets.token_urlsafe(32)
    facts = {
        "token_path": "/token",
        "introspection_path": "/introspect",
        "tenant_id": platform["tenant_id"],
        "client_row_id": platform["client_ids"]["jwt"],
        "clients": {"jwt": ["bare", secret], "opaque": ["bare", secret]},
        "private_key": base64.b64encode(key.private).decode(),
        "kid": "bench",
        "pepper": base64.b64encode(pepper).decode(),
    }
    facts["access_tokens"] = {"opaque": _store_opaque(facts, pepper)}
    json.dump(facts, sys.stdout)


def _store_opaque(facts: Mapping[str, Any], pepper: bytes) -> str:
    values = row.values_of(facts)
    half = secrets.token_bytes(OPAQUE_SECRET_BYTES)
    values |= {"format": "opaque", "secret_hash": row.hash_secret(pepper, half)}
    with psycopg.connect(autocommit=True) as connection:
        connection.execute(row.INSERT, values)
    token_id: UUID = values["id"]
    return (token_id.bytes + half).hex().upper()


if __name__ == "__main__":
    main()
