"""Removes registered clients that nobody uses: proposed, then disabled, then deleted.

What an operator has disabled stays as it is: a deleted client could register once more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import DurationField, ExpressionWrapper, F, Q, Value

from tenants.errors import TenantsError
from tenants.models import ClientRegistration
from tenants.records import SYSTEM
from tenants.services import clients, registrations

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)
Stage = ClientRegistration.Stage
PROPOSED_DAYS: Final = 7
DISABLED_DAYS: Final = 30
REASON: Final = "it is not used"
USED: Final = "it is used"
_IDLE: Final = ExpressionWrapper(
    F("tenant__registered_client_idle_days") * Value(timedelta(days=1)),
    output_field=DurationField(),
)


def advance(now: datetime, *, limit: int) -> int:
    """Bring each registration that is due one stage further, at most `limit`; answer how many."""
    due = find_due(now).select_related("client", "tenant__environment")
    moved = 0
    for registration in due.order_by("last_used_at")[:limit]:
        try:
            _advance(registration, now)
        except TenantsError as error:
            logger.warning("registration %s stays: %s", registration.pk, error)
        else:
            moved += 1
    return moved


def find_due(now: datetime) -> QuerySet[ClientRegistration]:
    """Find the registrations whose stage is no longer right."""
    is_idle = Q(last_used_at__lt=now - _IDLE)
    is_enabled = Q(client__is_enabled=True)
    return ClientRegistration.objects.filter(
        Q(stage=Stage.LIVE) & is_enabled & is_idle
        | Q(stage=Stage.PROPOSED) & ~is_idle
        | Q(stage=Stage.PROPOSED, stage_since__lt=now - timedelta(days=PROPOSED_DAYS)) & is_enabled
        | Q(stage=Stage.DISABLED) & is_enabled
        | Q(stage=Stage.DISABLED, stage_since__lt=now - timedelta(days=DISABLED_DAYS))
    )


def _advance(registration: ClientRegistration, now: datetime) -> None:
    client = registration.client
    idle = timedelta(days=registration.tenant.registered_client_idle_days)
    is_idle = registration.last_used_at < now - idle
    match registration.stage:
        case Stage.LIVE:
            registrations.move(registration, Stage.PROPOSED, actor=SYSTEM, now=now, reason=REASON)
        case Stage.PROPOSED if is_idle:
            client.is_enabled = False
            clients.save_client(client, actor=SYSTEM, reason=REASON)
            registrations.move(registration, Stage.DISABLED, actor=SYSTEM, now=now, reason=REASON)
        case Stage.PROPOSED:
            registrations.move(registration, Stage.LIVE, actor=SYSTEM, now=now, reason=USED)
        case _ if client.is_enabled:
            # An operator has enabled it again, which counts as a use.
            registrations.keep(registration, actor=SYSTEM, now=now, reason=USED)
        case _:
            clients.delete_client(client, actor=SYSTEM, reason=REASON)
