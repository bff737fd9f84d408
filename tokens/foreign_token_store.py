"""Keeps which outside tokens were accepted directly: the rows by which they are ended.

Whatever a token may do is read from the token itself; a row says only that it has ended.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.liveness import IS_FROM_BEFORE_A_CUT_OFF, NOW, PRESENTED_DEATH
from tokens.replay import identify
from tokens.token_ids import ENTROPY_BYTES, expiry_ordered_uuid

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import SignedClaims, TrustProfileRecord

MILLISECONDS: Final = 1_000
# A token for the audiences of two profiles is one token to its issuer, and to whoever ends it.
_IS_ENDED: Final = """EXISTS (SELECT 1 FROM tokens_foreigntoken ended
  WHERE ended.tenant_id = %(tenant_id)b AND ended.token_hash = %(token_hash)b
  AND ended.revoked_at IS NOT NULL AND (ended.trust_profile_id = %(trust_profile_id)b
    OR ended.trust_profile_id IN (SELECT id FROM tenants_trustprofile
      WHERE tenant_id = %(tenant_id)b AND issuer = %(issuer)b)))"""
LOOK_UP_SQL: Final = f"""
SELECT token.id, token.content_hash, token.subject_id,
  CASE WHEN {_IS_ENDED} THEN 'revoked' ELSE {PRESENTED_DEATH} END,
  token.id IS NULL AND {IS_FROM_BEFORE_A_CUT_OFF}
FROM (VALUES (1)) once LEFT JOIN tokens_foreigntoken token
  ON token.tenant_id = %(tenant_id)b AND token.trust_profile_id = %(trust_profile_id)b
  AND token.token_hash = %(token_hash)b"""  # noqa: S608 - fixed texts.
_COLUMNS: Final = """
INSERT INTO tokens_foreigntoken (id, tenant_id, trust_profile_id, token_hash, content_hash,
  subject_id, api_ids, scopes, issued_at, expires_at, accepted_at, revoked_at, cut_off_number)"""
_VALUES: Final = f"""
SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(trust_profile_id)b::uuid, %(token_hash)b::bytea,
  %(content_hash)b::bytea, %(subject_id)b::uuid, %(api_ids)b::uuid[], %(scopes)s::text[],
  to_timestamp(%(issued_at)b::float8), to_timestamp(%(expires_at)b::float8), {NOW}"""
# The number is read in the statement that judges by the cut-offs: a later one has a greater one.
ADD_SQL: Final = f"""{_COLUMNS}{_VALUES}, NULL,
  COALESCE((SELECT max(number) FROM tenants_cutoff), 0)
WHERE NOT {IS_FROM_BEFORE_A_CUT_OFF}
ON CONFLICT DO NOTHING RETURNING id"""  # noqa: S608 - fixed texts.
END_SQL: Final = f"""{_COLUMNS}{_VALUES}, {NOW}, 0
ON CONFLICT (tenant_id, trust_profile_id, token_hash) DO UPDATE
SET revoked_at = COALESCE(tokens_foreigntoken.revoked_at, EXCLUDED.revoked_at)"""
IS_ENDED_SQL: Final = f"SELECT {_IS_ENDED}"


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A verified outside token and what it reaches here; times in seconds since the epoch."""

    tenant_id: UUID
    profile: TrustProfileRecord
    signed: SignedClaims
    scopes: tuple[str, ...]
    api_ids: tuple[UUID, ...]
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What the rows know: the token's own one, or None; `refusal` says why it is not good."""

    id: UUID | None
    refusal: str = ""


def look_up(token: PresentedToken, subject_id: UUID | None, *, now: float) -> KnownToken:
    """Say whether a token was accepted before and has not ended since; one statement.

    Raises:
        DatabaseUnavailable: nobody knows.
    """
    parameters = {**_bind(token, subject_id), "now": now}
    rows = database.execute(LOOK_UP_SQL, parameters, is_repeatable=True)
    row_id, content_hash, known_subject, death, is_late = rows[0]
    if death:
        return KnownToken(row_id, death)
    if row_id is None:
        return KnownToken(None, "issued_before_cut_off" if is_late else "")
    if bytes(content_hash) != token.signed.signing_input_hash:
        # Two tokens of one jti: the issuer promised that there is one.
        return KnownToken(row_id, "jti_of_another_token")
    return KnownToken(row_id, "" if known_subject == subject_id else "subject_changed")


def add(token: PresentedToken, subject_id: UUID, *, now: float) -> KnownToken:
    """Keep a token at its first acceptance; who loses a race answers what the winner has kept.

    Raises:
        DatabaseUnavailable: nobody knows; the next request finds what is there.
    """
    rows = database.execute(ADD_SQL, _describe(token, subject_id, now))
    return KnownToken(rows[0][0]) if rows else look_up(token, subject_id, now=now)


def end(token: PresentedToken, *, now: float) -> None:
    """End a token for good, whether or not it was accepted before; twice is harmless."""
    database.execute(END_SQL, _describe(token, None, now), is_repeatable=True)


def is_ended(tenant_id: UUID, profile: TrustProfileRecord, signed: SignedClaims) -> bool:
    """Say whether somebody has ended this very token; one statement."""
    parameters = _name(tenant_id, profile, signed)
    return bool(database.execute(IS_ENDED_SQL, parameters, is_repeatable=True)[0][0])


def _name(tenant_id: UUID, profile: TrustProfileRecord, signed: SignedClaims) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "trust_profile_id": profile.id,
        "issuer": profile.issuer,
        "token_hash": identify(signed),
    }


def _bind(token: PresentedToken, subject_id: UUID | None) -> dict[str, object]:
    return {
        **_name(token.tenant_id, token.profile, token.signed),
        "subject_id": subject_id,
        "api_ids": list(token.api_ids),
        "issued_at": float(token.issued_at),
        "skew": float(token.profile.clock_skew_seconds),
    }


def _describe(token: PresentedToken, subject_id: UUID | None, now: float) -> dict[str, object]:
    return {
        **_bind(token, subject_id),
        "id": expiry_ordered_uuid(token.expires_at * MILLISECONDS, os.urandom(ENTROPY_BYTES)),
        "content_hash": token.signed.signing_input_hash,
        "scopes": list(token.scopes),
        "expires_at": float(token.expires_at),
        "now": now,
    }
