"""Removes registered clients that nobody uses: proposed, then disabled, then deleted.

What an operator has disabled stays as it is: a deleted client could register once more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value

from tenants import audit
from tenants.errors import InvalidEntity, TenantsError
from tenants.models import ClientRegistration
from tenants.records import SYSTEM
from tenants.services import clients, registrations

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

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
    due = find_due(now).order_by("last_used_at").values_list("tenant_id", "pk")
    moved = 0
    for tenant_id, registration_id in due[:limit]:
        try:
            moved += _advance(tenant_id, registration_id, now)
        except TenantsError as error:
            logger.warning("registration %s stays: %s", registration_id, error)
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


def _advance(tenant_id: UUID, registration_id: UUID, now: datetime) -> bool:
    """Bring a registration one stage further, unless it was used or changed meanwhile."""
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        due = find_due(now).select_related("client", "tenant__environment")
        registration = due.filter(pk=registration_id).first()
        if registration is not None:
            _move_on(registration, now)
    return registration is not None


def _move_on(registration: ClientRegistration, now: datetime) -> None:
    client = registration.client
    idle = timedelta(days=registration.tenant.registered_client_idle_days)
    is_idle = registration.last_used_at < now - idle
    match registration.stage:
        case Stage.LIVE:
            registrations.move(registration, Stage.PROPOSED, actor=SYSTEM, now=now, reason=REASON)
        case Stage.PROPOSED if is_idle:
            _disable(registration, now)
        case Stage.PROPOSED:
            registrations.move(registration, Stage.LIVE, actor=SYSTEM, now=now, reason=USED)
        case _ if client.is_enabled:
            # An operator has enabled it again, which counts as a use.
            registrations.keep(registration, actor=SYSTEM, now=now, reason=USED)
        case _:
            clients.delete_client(client, actor=SYSTEM, reason=REASON)


def _disable(registration: ClientRegistration, now: datetime) -> None:
    """Disable a client; one that today's rules don't let be stored goes at once."""
    client = registration.client
    client.is_enabled = False
    try:
        clients.save_client(client, actor=SYSTEM, reason=REASON)
    except InvalidEntity:
        clients.delete_client(client, actor=SYSTEM, reason=REASON)
    else:
        registrations.move(registration, Stage.DISABLED, actor=SYSTEM, now=now, reason=REASON)
