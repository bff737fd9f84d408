"""Turns a denied decision into the standard's error, and remembers every refusal in one place.

Each refusal is counted. The first of their kind in a minute keep a trace, by which the tenant's
admins and support see why. Nothing here ever changes an answer.
"""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NoReturn

from django.conf import settings
from django.db import connection, transaction

from tenants.policy import DESCRIPTIONS, Reason, wire_error
from tokens import database, metrics, refusal_counts, refusal_traces
from tokens.errors import BY_WIRE_CODE, ServiceUnavailable
from tokens.refusal_limits import TraceLimits
from tokens.token_ids import ENTROPY_BYTES, expiry_ordered_uuid

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import AccessRequest, Decision
    from tokens.refusal_traces import Refused

logger = logging.getLogger(__name__)
INSERT_SQL: Final = """
INSERT INTO tokens_refusal (id, tenant_id, request_id, client_id, presented_client_id, operation,
  grant_type, reason, error, address, trace)
SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(request_id)s::text, %(client_id)b::uuid,
  %(presented_client_id)s::text, %(operation)s::text, %(grant_type)s::text, %(reason)s::text,
  %(error)s::text, %(address)s::text, %(trace)s::jsonb"""
LIMITS: Final = TraceLimits(
    per_minute=lambda: settings.TOKENS_REFUSAL_TRACES_PER_MINUTE,
    per_second=lambda: settings.TOKENS_REFUSAL_TRACES_PER_SECOND,
)


def raise_denied(request: AccessRequest, decision: Decision) -> NoReturn:
    """Raise the error that a denied decision stands for.

    Raises:
        OAuthError: with the wire code of the reason and a fixed sentence that says what to mend.
    """
    refusal = decision.refusal
    reason = Reason(refusal.reason)
    error = BY_WIRE_CODE[wire_error(reason, request.grant_type)]
    detail = f"{refusal.name}: {reason} {refusal.detail}"
    raise error(DESCRIPTIONS[reason], detail=detail, asked=request, decision=decision)


def record(describe: Callable[[], Refused]) -> bool:
    """Count a refusal, and say whether its trace was kept; whatever goes wrong, it is not."""
    try:
        refused = describe()
        refusal_counts.add(
            tenant_id=refused.tenant.id,
            client=refused.client,
            reason=refused.error.reason,
            now=refused.now,
        )
        metrics.count_refusal(refused.operation, refused.error.reason)
        if not _may_keep(refused):
            return False
        _keep(refused)
    except Exception:
        # The caller is owed the refusal itself, whatever befell its record.
        logger.exception("a refusal could not be recorded")
        return False
    return True


def _may_keep(refused: Refused) -> bool:
    if isinstance(refused.error, ServiceUnavailable):
        return False  # The database that would keep it is what is missing.
    who = str(refused.client or refused.request.address)
    return LIMITS.take((refused.tenant.id, who, refused.error.reason))


def _keep(refused: Refused) -> None:
    """Store the trace by one statement; a failed one harms no transaction around it."""
    row_id = expiry_ordered_uuid(int(refused.now * 1_000), os.urandom(ENTROPY_BYTES))
    values = {"id": row_id, "tenant_id": refused.tenant.id, **refusal_traces.columns(refused)}
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        database.execute(INSERT_SQL, values)
