"""Ends everything that matches: one row, whatever the number of tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from tenants import audit
from tenants.models import CutOff
from tenants.models.fields import MAX_ACCESS_TOKEN_LIFETIME_SECONDS
from tenants.services.announcements import announce

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Actor

# One hour more than any access token lives, for processes that learn of it a moment late.
LONGEST_ACCESS = timedelta(seconds=MAX_ACCESS_TOKEN_LIFETIME_SECONDS, hours=1)
NUMBER_LOCK = 0x4355544F46  # "CUTOF": held to commit, so that numbers become visible in order.


def end(
    tenant_id: UUID, *, actor: Actor, reason: str = "", **selectors: UUID | str | None
) -> CutOff:
    """End what matches every given selector; without a selector, everything of the tenant.

    A process that has not seen the cut-off yet issues under a smaller number, so what it issues
    is dead as well.
    """
    unknown = set(selectors) - set(CutOff.SELECTORS)
    if unknown:
        raise TypeError(f"unknown selectors: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        cut_off = CutOff.objects.create(
            number=_next_number(),
            tenant_id=tenant_id,
            purge_after=timezone.now() + LONGEST_ACCESS,
            **selectors,
        )
        audit.record_event(
            tenant_id=tenant_id,
            event="cut_off.created",
            actor=actor,
            entity_kind="cut_off",
            entity_id=_describe(cut_off, selectors),
            reason=reason,
        )
        announce()
    return cut_off


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBER_LOCK])
        cursor.execute("SELECT nextval('tenants_cutoff_number')")
        return int(cursor.fetchone()[0])


def _describe(cut_off: CutOff, selectors: dict[str, UUID | str | None]) -> str:
    """Name the number and the selectors; their values may be a person's and stand in the row."""
    matched = [name.removesuffix("_id") for name, value in selectors.items() if value is not None]
    return f"{cut_off.number}:{','.join(matched) or 'tenant'}"[:64]
