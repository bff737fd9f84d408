"""The scheduled work of the tenants package; authplatform/celery.py says what runs when."""

from __future__ import annotations

from typing import Final

from celery import shared_task
from django.utils import timezone

from tenants.models import Offboarding, Tenant
from tenants.records import SYSTEM
from tenants.services import idle_registrations, offboarding

TIME_LIMIT_SECONDS: Final = 240
SOFT_TIME_LIMIT_SECONDS: Final = 200
MAX_TENANTS: Final = 10
MAX_REGISTRATIONS: Final = 200
# Only the owner of the tables may take events out of a chain.
OWNER_ALIAS: Final = "owner"


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def continue_offboardings() -> None:
    """Delete the rows of tenants that leave; what is left waits for the next run."""
    due = Offboarding.objects.filter(finished_at=None, delete_after__lte=timezone.now())
    for leaving in due.order_by("delete_after")[:MAX_TENANTS]:
        if Tenant.objects.filter(pk=leaving.pk, is_enabled=True).exists():
            offboarding.keep(leaving, actor=SYSTEM)
        else:
            offboarding.delete_rows(leaving, actor=SYSTEM, using=OWNER_ALIAS)


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def remove_idle_clients() -> None:
    """Bring the removal of registered clients that nobody uses one stage further."""
    idle_registrations.advance(timezone.now(), limit=MAX_REGISTRATIONS)
