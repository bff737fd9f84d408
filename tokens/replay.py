"""Remembers the assertions that were used, so that each works once."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid5

from tenants.trust import LONGEST_MAXIMUM_AGE_SECONDS, WIDEST_CLOCK_SKEW_SECONDS
from tokens import database
from tokens.jose import InvalidJWT, unverified_claims

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import SignedClaims, TenantSnapshot, TrustProfileRecord

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


def remember_foreign(
    tenant: TenantSnapshot, profile: TrustProfileRecord, signed: SignedClaims, *, now: float
) -> bool:
    """Remember an outside token for as long as it could be accepted; False where it was used.

    Without a `jti` its signed text stands for it. It works once for all profiles of its issuer,
    though it may name the audiences of several. Profiles come, go and change meanwhile, so neither
    the name nor the time depends on what they say now.

    Raises:
        DatabaseUnavailable: nobody knows; the caller must refuse.
    """
    oldest = (signed.issued_at or int(now)) + LONGEST_MAXIMUM_AGE_SECONDS
    # Ages are judged in whole seconds, hence one more.
    forget_at = min(signed.expires_at, oldest) + WIDEST_CLOCK_SKEW_SECONDS + 1
    issuer_id = uuid5(tenant.id, profile.issuer)
    return remember_assertion(tenant.id, issuer_id, identify(signed), expires_at=forget_at)


def identify(signed: SignedClaims) -> bytes:
    """Answer the digest by which an outside token is known: of its `jti`, or of what was signed."""
    if signed.token_id:
        return sha256(signed.token_id.encode()).digest()
    return signed.signing_input_hash


def identify_unverified(text: str) -> tuple[bytes, bytes] | None:
    """Answer by which digests a JWT would be known, to find its row; None for what is none.

    The first is as `identify` has it, the second that of what is signed: another issuer may have
    given the same `jti` to somebody else.
    """
    try:
        token_id = unverified_claims(text).get("jti")
    except InvalidJWT:
        return None
    content_hash = sha256(text.rpartition(".")[0].encode()).digest()
    if isinstance(token_id, str) and token_id:
        return sha256(token_id.encode()).digest(), content_hash
    return content_hash, content_hash
