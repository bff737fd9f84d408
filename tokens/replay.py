"""Remembers the assertions that were used, so that each works once."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tokens import database

if TYPE_CHECKING:
    from uuid import UUID

REMEMBER_SQL: Final = """
INSERT INTO tokens_replayedassertion (tenant_id, issuer_id, assertion_hash, expires_at)
VALUES (%(tenant_id)b, %(issuer_id)b, %(digest)b, to_timestamp(%(expires_at)b::float8))
ON CONFLICT DO NOTHING
RETURNING id
"""


def remember_assertion(
    tenant_id: UUID, issuer_id: UUID, identifier: bytes, expires_at: float
) -> bool:
    """Remember an assertion until it expires; False where it was used before.

    The identifier is its `jti` or a digest of it; the expiry is in seconds since the epoch. The
    statement is never repeated: its second run would take the first one for a replay.

    Raises:
        DatabaseUnavailable: nobody knows; the caller must refuse.
    Source: RFC 7523 section 3, RFC 7519 section 4.1.7.
    """
    parameters = {
        "tenant_id": tenant_id,
        "issuer_id": issuer_id,
        "digest": sha256(identifier).digest(),
        "expires_at": float(expires_at),
    }
    return bool(database.execute(REMEMBER_SQL, parameters))
