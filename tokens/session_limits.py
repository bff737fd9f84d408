"""How many sessions a person may have with a client, kept exactly however many begin at once.

Whoever begins one holds the person's and client's lock until it is stored; where no limit is set,
nothing is locked or counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import transaction

from tokens import database
from tokens.errors import SessionLimitReached
from tokens.liveness import NOW, SESSION_DEATH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tenants.records import ClientRecord, InteractiveRecord

REACHED: Final = (
    "This person has as many sessions with the client as it allows; end one of them first."
)
ENDED_REASON: Final = "session_limit"
SESSION_LOCK: Final = 0x53455353  # "SESS": the space of these locks.
LOCK_SQL: Final = """
SELECT pg_advisory_xact_lock(%(space)b::int, hashtext(%(name)s))"""
_LIVING: Final = f"""
FROM tokens_session session LEFT JOIN tenants_subject subject ON subject.id = session.subject_id
WHERE session.tenant_id = %(tenant_id)b AND session.subject_id = %(subject_id)b
  AND session.client_id = %(client_id)b AND ({SESSION_DEATH}) IS NULL"""
COUNT_SQL: Final = f"SELECT count(*) {_LIVING}"
END_OLDEST_SQL: Final = f"""
UPDATE tokens_session SET ended_at = {NOW}, ended_reason = %(ended_reason)s
WHERE ended_at IS NULL AND id IN (SELECT session.id {_LIVING} AND session.id <> %(begun)b
  ORDER BY session.started_at DESC, session.id DESC OFFSET %(others)b::bigint)"""  # noqa: S608 - fixed texts.


def refused_from(client: InteractiveRecord) -> int | None:
    """Answer from how many sessions on a client wants no more; None for never. Pure."""
    return None if client.ends_oldest_session else client.max_sessions


def is_reached(tenant_id: UUID, subject_id: UUID, client: ClientRecord, *, now: float) -> bool:
    """Say whether one more session would be refused, so that a person learns it early.

    `now` is in seconds since the epoch.
    """
    limit = refused_from(client.interactive)
    return limit is not None and _count(_bind(tenant_id, subject_id, client, now)) >= limit


@contextmanager
def kept(
    tenant_id: UUID, subject_id: UUID | None, client: ClientRecord, *, begun: UUID, now: float
) -> Iterator[None]:
    """Let the session `begun` begin within a client's limit; `now` in seconds since the epoch.

    Raises:
        SessionLimitReached: the person has enough, and the client keeps the old ones.
    """
    most = client.interactive.max_sessions
    if most is None or subject_id is None:
        yield
        return
    values = _bind(tenant_id, subject_id, client, now)
    with transaction.atomic():
        name = f"{subject_id}{client.id}"
        database.execute(LOCK_SQL, {"space": SESSION_LOCK, "name": name})
        limit = refused_from(client.interactive)
        if limit is not None and _count(values) >= limit:
            raise SessionLimitReached(REACHED)
        yield
        # Only now: who signs the person out has the sign-in first and its sessions then, as here.
        if limit is None:
            ended = {"others": most - 1, "ended_reason": ENDED_REASON, "begun": begun}
            database.execute(END_OLDEST_SQL, {**values, **ended})


def _count(values: database.Parameters) -> int:
    return int(database.execute(COUNT_SQL, values)[0][0])


def _bind(
    tenant_id: UUID, subject_id: UUID, client: ClientRecord, now: float
) -> database.Parameters:
    return {
        "tenant_id": tenant_id,
        "subject_id": subject_id,
        "client_id": client.id,
        "now": float(now),
    }
