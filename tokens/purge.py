"""Deletes what has expired, in bounded batches that can be stopped and resumed at any point.

Access tokens are not here: they leave with their partition, and so do most refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

BATCH_ROWS: Final = 1_000
# How long an ended or expired row can still be explained to somebody who asks for it.
RETENTION: Final = timedelta(days=7)
NO_RETENTION: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Purge:
    """One kind of rows: the statement for one batch, and how long a row stays after its end.

    The statement has the parameters `before` and `rows`, passes over what others have locked, and
    is a transaction of its own. `table` is set where the rows end at their `expires_at`.
    """

    name: str
    sql: str
    retention: timedelta = NO_RETENTION
    table: str = ""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind went, and whether every kind is done."""

    rows: dict[str, int]
    is_complete: bool


def _delete(table: str) -> str:
    return f"""
DELETE FROM {table} WHERE id IN (
  SELECT id FROM {table} WHERE expires_at < %(before)s ORDER BY expires_at
  LIMIT %(rows)s FOR UPDATE SKIP LOCKED)"""  # noqa: S608 - fixed texts.


def _expired(name: str, table: str, retention: timedelta = NO_RETENTION) -> Purge:
    """Purge what has expired in a table."""
    return Purge(name, _delete(table), retention, table)


def _delete_sessions(column: str) -> str:
    """Write one statement that deletes sessions and, before them, their refresh tokens."""
    return f"""
WITH doomed AS MATERIALIZED (
  SELECT id FROM tokens_session WHERE {column} < %(before)s ORDER BY {column}
  LIMIT %(rows)s FOR UPDATE SKIP LOCKED),
family AS (DELETE FROM tokens_refreshtoken WHERE session_id IN (SELECT id FROM doomed))
DELETE FROM tokens_session WHERE id IN (SELECT id FROM doomed)"""  # noqa: S608 - fixed texts.


FORGET_ANSWERS_SQL: Final = """
UPDATE tokens_refreshtoken SET repeated_answer = NULL WHERE id IN (
  SELECT id FROM tokens_refreshtoken
  WHERE repeated_answer IS NOT NULL AND consumed_at < %(before)s
  ORDER BY consumed_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED)"""
# By `purge_after` every access token and code has expired; what remains are long sessions and
# sign-ins. The newest cut-off stays for ever: its number is the highest that a process can hold.
CUT_OFFS_SQL: Final = """
WITH tenants_due AS MATERIALIZED (
  SELECT DISTINCT tenant_id FROM tenants_cutoff WHERE purge_after < %(before)s),
oldest AS MATERIALIZED (
  SELECT tenant_id, min(cut_off_number) AS number FROM (
    SELECT tenant_id, cut_off_number FROM tokens_session
    WHERE expires_at >= %(before)s AND tenant_id IN (SELECT tenant_id FROM tenants_due)
    UNION ALL
    SELECT tenant_id, cut_off_number FROM tokens_signin
    WHERE expires_at >= %(before)s AND tenant_id IN (SELECT tenant_id FROM tenants_due)) living
  GROUP BY tenant_id)
DELETE FROM tenants_cutoff WHERE number IN (
  SELECT number FROM tenants_cutoff
  WHERE purge_after < %(before)s AND number < (SELECT max(number) FROM tenants_cutoff)
  AND number <= COALESCE((SELECT oldest.number FROM oldest
    WHERE oldest.tenant_id = tenants_cutoff.tenant_id), tenants_cutoff.number)
  ORDER BY purge_after LIMIT %(rows)s FOR UPDATE SKIP LOCKED)"""
# Most refusals leave with their partition: this is for tenants that keep less than the platform.
# The bound is the id of a refusal at that time: its leading 48 bits are milliseconds.
REFUSALS_SQL: Final = """
DELETE FROM tokens_refusal WHERE id IN (
  SELECT old.id FROM tenants_platform platform
  JOIN tenants_tenant tenant
    ON tenant.refusal_retention_seconds < platform.refusal_retention_seconds
  CROSS JOIN LATERAL (
    SELECT id FROM tokens_refusal WHERE tenant_id = tenant.id AND id < (lpad(to_hex((1000 * extract(
      epoch FROM %(before)s::timestamptz - make_interval(secs => tenant.refusal_retention_seconds)
    ))::bigint), 12, '0') || repeat('0', 20))::uuid
    ORDER BY id LIMIT %(rows)s) old
  LIMIT %(rows)s)"""
REFUSAL_COUNTS_SQL: Final = """
DELETE FROM tokens_refusalcount WHERE id IN (
  SELECT id FROM tokens_refusalcount WHERE minute < %(before)s::timestamptz - make_interval(
    secs => (SELECT refusal_retention_seconds FROM tenants_platform))
  ORDER BY minute LIMIT %(rows)s FOR UPDATE SKIP LOCKED)"""
QUOTAS_SQL: Final = """
DELETE FROM tokens_mastertokenquota WHERE id IN (
  SELECT id FROM tokens_mastertokenquota
  WHERE day < (%(before)s::timestamptz AT TIME ZONE 'UTC')::date
  ORDER BY day LIMIT %(rows)s FOR UPDATE SKIP LOCKED)"""
PURGES: Final = (
    _expired("refresh tokens", "tokens_refreshtoken", RETENTION),
    Purge("expired sessions", _delete_sessions("expires_at"), RETENTION, "tokens_session"),
    Purge("ended sessions", _delete_sessions("ended_at"), RETENTION),
    _expired("authorization codes", "tokens_authorizationcode", RETENTION),
    _expired("device codes", "tokens_devicecode", RETENTION),
    _expired("logout deliveries", "tokens_logoutdelivery"),
    _expired("usage counters", "tokens_usagecounter", RETENTION),
    _expired("consents", "tokens_consent"),
    _expired("sign-ins", "tokens_signin", RETENTION),
    _expired("mail links", "tokens_emaillink"),
    _expired("replayed assertions", "tokens_replayedassertion"),
    _expired("outside tokens", "tokens_foreigntoken", RETENTION),
    _expired("limits", "tokens_limitstate"),
    Purge("cut-offs", CUT_OFFS_SQL),
    Purge("refusals", REFUSALS_SQL),
    Purge("refusal counts", REFUSAL_COUNTS_SQL),
    Purge("master token quotas", QUOTAS_SQL),
)


def purge_expired(now: datetime, *, max_batches: int) -> Purged:
    """Purge every kind, with at most so many batches of each; the next run goes on from there."""
    grace = timedelta(seconds=settings.TOKENS_REFRESH_GRACE_SECONDS)
    answers = Purge("repeated answers", FORGET_ANSWERS_SQL, grace)
    rows: dict[str, int] = {}
    is_complete = True
    for purge in (answers, *PURGES):
        count = purge_kind(purge, now, max_batches=max_batches)
        rows[purge.name] = count
        is_complete = is_complete and count < max_batches * BATCH_ROWS
    return Purged(rows, is_complete)


def purge_kind(purge: Purge, now: datetime, *, max_batches: int) -> int:
    """Purge one kind; answers the number of rows, each batch being its own transaction."""
    total = 0
    for _ in range(max_batches):
        with connection.cursor() as cursor:
            cursor.execute(purge.sql, {"before": now - purge.retention, "rows": BATCH_ROWS})
            count = cursor.rowcount
        total += count
        if count < BATCH_ROWS:
            break
    return total


def overdue_seconds(now: datetime) -> dict[str, float]:
    """Answer for how long the oldest row of each kind has been due, in seconds; one statement."""
    kinds = [purge for purge in PURGES if purge.table]
    # The order by the index finds the oldest row without reading the others.
    oldest = ", ".join(f"(SELECT min(expires_at) FROM {purge.table})" for purge in kinds)  # noqa: S608 - fixed texts.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {oldest}")
        found = cursor.fetchone()
    return {
        purge.name: max(0.0, (now - end - purge.retention).total_seconds()) if end else 0.0
        for purge, end in zip(kinds, found, strict=True)
    }
