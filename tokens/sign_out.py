"""Signs people out: with the sign-in end its sessions, and the clients of both are told.

Everybody who ends a sign-in comes here: the logout page, the account page, operators.
Source: OpenID Connect Back-Channel Logout 1.0 section 2.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from celery.exceptions import OperationalError
from django.db import transaction

from tenants import audit
from tokens import sign_in_ends, tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tenants.records import Actor
    from tokens.sign_in_ends import Ended

logger = logging.getLogger(__name__)

SIGNED_OUT: Final = "signed_out"


def sign_out(tenant_id: UUID, sign_in_id: UUID, *, ended_reason: str, now: float) -> bool:
    """Sign a person out of one browser; False where they were already.

    Sessions that are not offline end with it, and with them every token. `now` is in seconds since
    the epoch; clients are told once the transaction has committed.
    """
    ended = sign_in_ends.end_one(tenant_id, sign_in_id, ended_reason=ended_reason, now=now)
    return bool(_tell(ended))


def sign_out_everywhere(
    tenant_id: UUID, subject_id: UUID, *, ended_reason: str, now: float, kept: UUID | None = None
) -> int:
    """Sign a person out of every browser but the one that is kept; answer of how many."""
    ended = sign_in_ends.end_all(
        tenant_id, subject_id, kept=kept, ended_reason=ended_reason, now=now
    )
    return _tell(ended)


def tell_clients(sign_in_ids: Sequence[UUID]) -> None:
    """Have the clients of sign-ins that have ended told, once the transaction has committed."""
    transaction.on_commit(partial(_publish, [str(sign_in_id) for sign_in_id in sign_in_ids]))


def sign_out_by(
    actor: Actor,
    tenant_id: UUID,
    sign_in_id: UUID,
    *,
    ended_reason: str,
    now: float,
    reason: str = "",
) -> bool:
    """Sign somebody out of one browser and record who did it; False where they were already.

    The free text `reason` goes to the audit.
    """
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        if not sign_out(tenant_id, sign_in_id, ended_reason=ended_reason, now=now):
            return False
        audit.record_event(
            tenant_id=tenant_id,
            event="sign_in.ended",
            actor=actor,
            entity_kind="sign_in",
            entity_id=str(sign_in_id),
            reason=reason,
        )
    return True


def sign_out_elsewhere_by(
    actor: Actor, tenant_id: UUID, subject_id: UUID, *, kept: UUID | None, now: float
) -> int:
    """Sign somebody out of every browser but one and record who did it; answer of how many."""
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        count = sign_out_everywhere(
            tenant_id, subject_id, kept=kept, ended_reason=SIGNED_OUT, now=now
        )
        if count:
            audit.record_event(
                tenant_id=tenant_id,
                event="sign_in.ended_elsewhere",
                actor=actor,
                entity_kind="subject",
                entity_id=str(subject_id),
            )
    return count


def _tell(ended: Ended) -> int:
    if ended.has_deliveries:
        tell_clients(ended.sign_in_ids)
    return len(ended.sign_in_ids)


def _publish(sign_in_ids: list[str]) -> None:
    """Have it delivered at once; without the task queue, the scheduled run does it later."""
    try:
        tasks.deliver_logouts.delay(sign_in_ids)
    except OperationalError as error:
        logger.warning("logouts are delivered later: %s", type(error).__name__)
