"""Ends sessions and access tokens; introspection knows at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.db import transaction

from tenants import audit
from tokens import database

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Actor

END_SESSION_SQL: Final = """
UPDATE tokens_session
SET ended_at = to_timestamp(%(now)b::float8), ended_reason = %(ended_reason)s
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND ended_at IS NULL
RETURNING id
"""
REVOKE_SQL: Final = """
UPDATE tokens_accesstoken SET revoked_at = to_timestamp(%(now)b::float8)
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND revoked_at IS NULL
RETURNING id
"""
REVOKE_FOREIGN_SQL: Final = """
UPDATE tokens_foreigntoken SET revoked_at = to_timestamp(%(now)b::float8)
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND revoked_at IS NULL
RETURNING id
"""
MAX_ENDED_REASON_CHARACTERS: Final = 32


def end_session(
    tenant_id: UUID,
    session_id: UUID,
    *,
    ended_reason: str,
    actor: Actor | None = None,
    reason: str = "",
) -> bool:
    """End a session with all of its tokens by one row; False where there is none that lives.

    `ended_reason` is a code such as `reuse`, `revoked`, `signed_out`; where an operator ends it,
    `actor` and the free text `reason` go to the audit in the same transaction.
    """
    parameters = {
        "id": session_id,
        "tenant_id": tenant_id,
        "now": time.time(),
        "ended_reason": ended_reason[:MAX_ENDED_REASON_CHARACTERS],
    }
    if actor is None:
        return _has_ended(END_SESSION_SQL, parameters)
    return _end_audited(
        END_SESSION_SQL, parameters, event="session.ended", actor=actor, reason=reason
    )


def revoke_access_token(
    tenant_id: UUID, token_id: UUID, *, actor: Actor | None = None, reason: str = ""
) -> bool:
    """Revoke one access token; False where there is none, or it is revoked already.

    What a client revokes for itself needs no audit: the token's row tells it.
    Source: RFC 7009 section 2.1.
    """
    parameters = {"id": token_id, "tenant_id": tenant_id, "now": time.time()}
    if actor is None:
        return _has_ended(REVOKE_SQL, parameters)
    return _end_audited(
        REVOKE_SQL, parameters, event="access_token.revoked", actor=actor, reason=reason
    )


def revoke_foreign_token(
    tenant_id: UUID, token_id: UUID, *, actor: Actor, reason: str = ""
) -> bool:
    """End an outside token that was accepted directly; False where there is none that lives."""
    parameters = {"id": token_id, "tenant_id": tenant_id, "now": time.time()}
    return _end_audited(
        REVOKE_FOREIGN_SQL, parameters, event="foreign_token.revoked", actor=actor, reason=reason
    )


def end_by_token(tenant_id: UUID, token_id: UUID, session_id: UUID | None) -> bool:
    """End what an accepted token stands for: its session, or itself where it has none."""
    if session_id is None:
        return revoke_access_token(tenant_id, token_id)
    return end_session(tenant_id, session_id, ended_reason="signed_out")


def _has_ended(sql: str, parameters: database.Parameters) -> bool:
    """Run an ending, which is harmless twice; what a lost first run did counts as done."""
    try:
        return bool(database.execute(sql, parameters))
    except database.ConnectionLost:
        database.execute(sql, parameters, is_repeatable=True)
        return True


def _end_audited(
    sql: str, parameters: database.Parameters, *, event: str, actor: Actor, reason: str
) -> bool:
    tenant_id: UUID = parameters["tenant_id"]  # type: ignore[assignment]  # set by both callers.
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        if not database.execute(sql, parameters):
            return False
        audit.record_event(
            tenant_id=tenant_id,
            event=event,
            actor=actor,
            entity_kind=event.partition(".")[0],
            entity_id=str(parameters["id"]),
            reason=reason,
        )
    return True
