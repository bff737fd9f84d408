"""Ends sign-ins in the database: with their sessions, and with what their clients are to be told.

Callers are `tokens/sign_out.py`, and the task that follows up cut-offs.
Source: OpenID Connect Back-Channel Logout 1.0 section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction

from tokens import database
from tokens.liveness import NOW

if TYPE_CHECKING:
    from uuid import UUID

CUT_OFF: Final = "cut_off"
MAX_ENDED_REASON_CHARACTERS: Final = 32
# How long a delivery can be looked up; all attempts are over long before.
DELIVERY_RETENTION_SECONDS: Final = 7 * 86_400
# How far back a run looks for cut-offs; what a longer standstill has missed is dead all the same.
FOLLOWED_SECONDS: Final = 3_600
MAX_CUT_OFFS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Ended:
    """Which sign-ins ended, and whether a client has to be told."""

    sign_in_ids: tuple[UUID, ...] = ()
    has_deliveries: bool = False


def _end(condition: str) -> str:
    return f"""
UPDATE tokens_signin SET ended_at = {NOW}, ended_reason = %(ended_reason)s
WHERE tenant_id = %(tenant_id)b AND {condition} AND ended_at IS NULL
RETURNING id"""  # noqa: S608 - fixed texts.


END_ONE_SQL: Final = _end("id = %(id)b")
END_ALL_SQL: Final = _end("subject_id = %(subject_id)b AND id IS DISTINCT FROM %(kept)b::uuid")
# A statement of its own: it sees a session that began while the first one waited for it. Whoever
# agreed to offline access did so for the time when they are not there.
FOLLOW_SQL: Final = f"""
WITH left_behind AS (UPDATE tokens_session SET ended_at = {NOW}, ended_reason = %(ended_reason)s
  WHERE sign_in_id = ANY (%(ids)b::uuid[]) AND NOT is_offline AND ended_at IS NULL),
told AS (SELECT DISTINCT session.tenant_id, session.client_id, session.subject_id,
    session.sign_in_id
  FROM tokens_session session JOIN tenants_client client ON client.id = session.client_id
  WHERE session.sign_in_id = ANY (%(ids)b::uuid[]) AND session.subject_id IS NOT NULL
    AND client.backchannel_logout_uri <> '')
INSERT INTO tokens_logoutdelivery (id, tenant_id, client_id, subject_id, sign_in_id, status,
  attempts, created_at, next_attempt_at, expires_at, last_error)
SELECT gen_random_uuid(), tenant_id, client_id, subject_id, sign_in_id, 'pending', 0, {NOW}, {NOW},
  {NOW} + make_interval(secs => %(retention)b::float8), ''
FROM told ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 - fixed texts.
# Only cut-offs of one person: those of a whole tenant end more than one run could tell.
CUT_OFF_SQL: Final = f"""
SELECT DISTINCT sign_in.tenant_id, sign_in.id
FROM (SELECT number, tenant_id, subject_id, created_at FROM tenants_cutoff
  WHERE subject_id IS NOT NULL AND client_id IS NULL AND api_id IS NULL
    AND app_tenant_id IS NULL AND app_subject_id IS NULL AND trust_profile_id IS NULL
    AND master_token_id IS NULL AND signing_key_id IS NULL AND session_id IS NULL
    AND token_id IS NULL
  ORDER BY number DESC LIMIT %(cut_offs)b::bigint) cut
JOIN tokens_signin sign_in
  ON sign_in.tenant_id = cut.tenant_id AND sign_in.subject_id = cut.subject_id
WHERE cut.created_at > {NOW} - make_interval(secs => %(followed)b::float8)
  AND sign_in.cut_off_number < cut.number AND sign_in.ended_at IS NULL
  AND sign_in.expires_at > {NOW}
LIMIT %(rows)b::bigint
"""  # noqa: S608 - fixed texts.


def end_one(tenant_id: UUID, sign_in_id: UUID, *, ended_reason: str, now: float) -> Ended:
    """End one sign-in, unless it has ended already; `now` in seconds since the epoch."""
    return _run(END_ONE_SQL, {"id": sign_in_id}, tenant_id, ended_reason, now)


def end_all(
    tenant_id: UUID, subject_id: UUID, *, kept: UUID | None, ended_reason: str, now: float
) -> Ended:
    """End every sign-in of a person but the one that is kept."""
    values = {"subject_id": subject_id, "kept": kept}
    return _run(END_ALL_SQL, values, tenant_id, ended_reason, now)


def follow_cut_offs(*, now: float, limit: int) -> int:
    """End the sign-ins that a cut-off has killed, so that their clients hear of it.

    Answers how many were found, at most `limit`.
    """
    values = {
        "cut_offs": MAX_CUT_OFFS,
        "followed": float(FOLLOWED_SECONDS),
        "rows": limit,
        "now": float(now),
    }
    found = database.execute(CUT_OFF_SQL, values)
    for tenant_id, sign_in_id in found:
        end_one(tenant_id, sign_in_id, ended_reason=CUT_OFF, now=now)
    return len(found)


def _run(
    sql: str, values: database.Parameters, tenant_id: UUID, ended_reason: str, now: float
) -> Ended:
    common = {
        "tenant_id": tenant_id,
        "ended_reason": ended_reason[:MAX_ENDED_REASON_CHARACTERS],
        "now": float(now),
    }
    with transaction.atomic():
        ids = tuple(row[0] for row in database.execute(sql, {**values, **common}))
        return Ended(ids, _follow(ids, common)) if ids else Ended()


def _follow(ids: tuple[UUID, ...], common: database.Parameters) -> bool:
    retention = float(DELIVERY_RETENTION_SECONDS)
    return bool(database.execute(FOLLOW_SQL, {**common, "ids": ids, "retention": retention}))
