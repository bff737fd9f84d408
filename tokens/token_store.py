"""Stores and finds tokens: each function is one statement."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from django.db import IntegrityError
from psycopg.errors import CheckViolation

from tenants.credentials import CredentialKind, ParsedCredential, is_secret, parse_credential
from tenants.queries.subjects import (
    attributes_of,
    memberships_of,
    read_memberships,
    standard_claims_of,
)
from tenants.records import Authentication, KeyedHash, PresentedRefreshToken
from tokens import database
from tokens.errors import ServiceUnavailable
from tokens.liveness import NOW, SESSION_DEATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.records import JSON, AccessRequest, TokenPlan


_COLUMNS: Final = """
id, tenant_id, client_id, subject_id, session_id, parent_id, trust_profile_id, master_token_id,
signing_key_id, api_ids, app_tenant_id, app_subject_id, format, pepper_id, secret_hash, grant_type,
claim_profile, scopes, audiences, issued_at, expires_at, cut_off_number, configuration_versions,
facts, actors, usage_limit, actor_token_id"""
_VALUES: Final = """
%(id)b::uuid, %(tenant_id)b::uuid, %(client_id)b::uuid, %(subject_id)b::uuid,
%(session_id)b::uuid, %(parent_id)b::uuid, %(trust_profile_id)b::uuid, %(master_token_id)b::uuid,
%(signing_key_id)b::uuid, %(api_ids)b::uuid[], %(app_tenant_id)s::text,
%(app_subject_id)s::text, %(format)s, %(pepper_id)s, %(secret_hash)b::bytea, %(grant_type)s,
%(claim_profile)s, %(scopes)s::text[],
%(audiences)s::text[], to_timestamp(%(issued_at)b::float8), to_timestamp(%(expires_at)b::float8),
%(cut_off_number)b::bigint, %(versions)b::bigint[], %(facts)s::jsonb,
%(actors)s::text[], %(usage_limit)b::int, %(actor_token_id)b::uuid"""
INSERT_TOKEN_SQL: Final = f"INSERT INTO tokens_accesstoken ({_COLUMNS}) SELECT {_VALUES}"
INSERT_REFRESH_SQL: Final = """
INSERT INTO tokens_refreshtoken
  (id, tenant_id, session_id, pepper_id, secret_hash, created_at, expires_at)
SELECT %(refresh_id)b::uuid, %(tenant_id)b::uuid, %(session_id)b::uuid, %(refresh_pepper_id)s,
  %(refresh_hash)b::bytea, to_timestamp(%(issued_at)b::float8),
  to_timestamp(%(refresh_expires_at)b::float8)"""
# Conflicts can only come from a repetition, and cost a fifth more: the first run goes without.
ON_CONFLICT: Final = " ON CONFLICT (id) DO NOTHING"


# Whoever comes second waits for the row, sees it consumed, and writes nothing at all. A session
# that ends meanwhile is waited for as well, and takes its tokens with it.
ROTATE_SQL: Final = f"""
WITH consumed AS (UPDATE tokens_refreshtoken
  SET consumed_at = {NOW}, repeated_answer = %(repeated_answer)b::bytea
  WHERE id = %(consumed_id)b AND tenant_id = %(tenant_id)b AND consumed_at IS NULL
    AND expires_at > {NOW}
  RETURNING session_id),
touched AS (UPDATE tokens_session SET last_used_at = {NOW}
  WHERE id = (SELECT session_id FROM consumed) AND ended_at IS NULL AND expires_at > {NOW}
  RETURNING id),
renewed AS ({INSERT_REFRESH_SQL} FROM touched)
{INSERT_TOKEN_SQL} FROM touched RETURNING id"""  # noqa: S608 - fixed texts.
FIND_REFRESH_SQL: Final = f"""
SELECT refresh.pepper_id, refresh.secret_hash, session.id, session.client_id, client.client_id,
  session.subject_id, session.trust_profile_id, session.grant_type, session.scopes,
  session.audiences, session.cut_off_number, extract(epoch FROM refresh.created_at)::bigint,
  extract(epoch FROM refresh.expires_at)::bigint, extract(epoch FROM session.expires_at)::bigint,
  extract(epoch FROM refresh.consumed_at)::float8, refresh.repeated_answer,
  COALESCE(CASE WHEN refresh.expires_at <= {NOW} THEN 'expired' ELSE {SESSION_DEATH} END, ''),
  {memberships_of("session.subject_id")}, COALESCE(session.app_tenant_id, ''),
  COALESCE(session.app_subject_id, ''), {attributes_of("subject")},
  session.sign_in_id, floor(extract(epoch FROM session.authenticated_at))::bigint, session.acr,
  session.amr, CASE WHEN session.sign_in_id IS NOT NULL THEN session.claims_request END,
  CASE WHEN session.claims_request ? 'id_token' THEN {standard_claims_of("subject")} END
FROM tokens_refreshtoken refresh
JOIN tokens_session session ON session.id = refresh.session_id
JOIN tenants_client client ON client.id = session.client_id
LEFT JOIN tenants_subject subject ON subject.id = session.subject_id
WHERE refresh.id = %(id)b AND refresh.tenant_id = %(tenant_id)b
"""  # noqa: S608 - fixed texts.

_SIGN_IN_COLUMNS: Final = 6
COUNT_ANCESTORS_SQL: Final = "SELECT tokens_count_ancestors(%(ids)b::uuid[])"


@dataclass(frozen=True, slots=True)
class NewAccessToken:
    """What an access token's row is made of; `keyed_hash` is an opaque token's."""

    tenant_id: UUID
    plan: TokenPlan
    request: AccessRequest
    cut_off_number: int
    keyed_hash: KeyedHash | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewRefreshToken:
    """What a refresh token's row is made of; the expiry in seconds since the epoch."""

    id: UUID
    keyed_hash: KeyedHash
    expires_at: int


def insert_access_token(token: NewAccessToken) -> None:
    """Store an access token."""
    _insert(INSERT_TOKEN_SQL, INSERT_TOKEN_SQL + ON_CONFLICT, token_values(token))


def rotate_refresh(
    presented: PresentedRefreshToken,
    *,
    token: NewAccessToken,
    refresh: NewRefreshToken,
    repeated_answer: bytes,
    now: float,
) -> bool:
    """Consume a refresh token and store what follows it; False where somebody else was first.

    `repeated_answer` is the encrypted answer for a retry within the grace.
    """
    values = token_values(token) | refresh_values(refresh)
    values |= {
        "consumed_id": presented.id,
        "session_id": presented.session_id,
        "repeated_answer": repeated_answer,
        "now": float(now),
    }
    return bool(write(ROTATE_SQL, values))


def find_refresh_token(tenant_id: UUID, text: str, *, now: float) -> PresentedRefreshToken | None:
    """Find a refresh token with its session; None for an unknown text or a wrong secret."""
    credential = parse_credential(CredentialKind.REFRESH_TOKEN, text)
    if credential is None:
        return None
    return find_refresh_credential(tenant_id, credential, now=now)


def find_refresh_credential(
    tenant_id: UUID, credential: ParsedCredential, *, now: float
) -> PresentedRefreshToken | None:
    """Find the refresh token of a parsed credential with its session."""
    parameters = {"id": credential.row_id, "tenant_id": tenant_id, "now": float(now)}
    rows = database.execute(FIND_REFRESH_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    pepper_id, secret_hash, *facts, text, app_tenant_id, app_subject_id, attributes = rows[0][
        :-_SIGN_IN_COLUMNS
    ]
    if not is_secret(credential.secret, KeyedHash(pepper_id, secret_hash)):
        return None
    memberships = read_memberships(text)
    groups = tuple(membership.slug for membership in memberships)
    facts += (groups, memberships, app_tenant_id, app_subject_id, attributes)
    facts += _read_sign_in(rows[0][-_SIGN_IN_COLUMNS:])
    return PresentedRefreshToken(credential.row_id, credential.secret, *facts)


def _read_sign_in(columns: database.Row) -> tuple[object, ...]:
    """Read how the person was recognised with whom a session began, if one was."""
    sign_in_id, authenticated_at, acr, amr, claims_request, standard_claims = columns
    if sign_in_id is None:
        return ()
    authentication = Authentication(sign_in_id, authenticated_at, acr, tuple(amr))
    return authentication, claims_request, standard_claims or ""


def count_ancestors(ids: Sequence[UUID]) -> int:
    """Count these tokens and all that they were derived by; it stops where it is too many."""
    rows = database.execute(COUNT_ANCESTORS_SQL, {"ids": list(ids)}, is_repeatable=True)
    return int(rows[0][0])


def new_id() -> UUID:
    """Make the id of a session or a refresh token."""
    return uuid.uuid4()


def _insert(sql: str, repeated_sql: str, values: database.Parameters) -> None:
    try:
        write(sql, values)
    except database.ConnectionLost:
        # The ids are ours, so the second run stores what the first may have stored, once.
        database.execute(repeated_sql, values, is_repeatable=True)


def write(sql: str, values: database.Parameters) -> list[database.Row]:
    """Run a statement that stores tokens, once.

    Raises:
        ServiceUnavailable: a token lives longer than there are partitions.
        ConnectionLost: nobody knows whether it was run.
    """
    try:
        return database.execute(sql, values)
    except IntegrityError as error:
        if isinstance(error.__cause__, CheckViolation):
            # A raised ceiling lets tokens live beyond the partitions until the next maintenance.
            detail = "no partition for this expiry yet"
            raise ServiceUnavailable(
                "Tokens this long can't be stored yet.", detail=detail
            ) from error
        raise


def token_values(token: NewAccessToken) -> dict[str, object]:
    """Answer the parameters of an access token's row."""
    plan, request, keyed_hash = token.plan, token.request, token.keyed_hash
    return {
        "id": plan.token_id,
        "tenant_id": token.tenant_id,
        "client_id": request.client.id,
        "subject_id": request.subject.id if request.subject else None,
        "session_id": token.session_id,
        "parent_id": request.parent_id,
        "trust_profile_id": request.trust_profile_id,
        "master_token_id": request.master_token_id,
        "signing_key_id": plan.signing_key.id if plan.signing_key else None,
        "api_ids": list(plan.api_ids),
        "app_tenant_id": request.app_tenant_id or None,
        "app_subject_id": request.app_subject_id or None,
        "format": plan.format,
        "pepper_id": keyed_hash.pepper_id if keyed_hash else "",
        "secret_hash": keyed_hash.digest if keyed_hash else None,
        "grant_type": request.grant_type,
        "claim_profile": plan.claim_profile,
        "scopes": list(plan.scopes),
        "audiences": list(plan.audiences),
        "issued_at": float(plan.issued_at),
        "expires_at": float(plan.expires_at),
        "cut_off_number": token.cut_off_number,
        "versions": list(plan.versions),
        "facts": encode_facts(plan.facts),
        "actors": [request.actor, *request.prior_actors] if request.actor else None,
        "usage_limit": plan.usage_limit or None,
        "actor_token_id": request.actor_token_id,
    }


def refresh_values(refresh: NewRefreshToken) -> dict[str, object]:
    """Answer the parameters of a refresh token's row."""
    return {
        "refresh_id": refresh.id,
        "refresh_pepper_id": refresh.keyed_hash.pepper_id,
        "refresh_hash": refresh.keyed_hash.digest,
        "refresh_expires_at": float(refresh.expires_at),
    }


def encode_facts(facts: Mapping[str, JSON]) -> str:
    """Write facts as PostgreSQL's jsonb takes them."""
    # jsonb can't hold NUL; whoever explains the token later sees the replacement character.
    return orjson.dumps(dict(facts)).replace(b"\\u0000", b"\\ufffd").decode()
