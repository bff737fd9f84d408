"""Reads refusals by their indexes: bounded pages, the newest first, and what was only counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Sum
from django.utils import timezone

from tenants.queries.operators import scope
from tokens.models import Refusal, RefusalCount

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet

PAGE_ROWS: Final = 50
# How many rows a page looks at, so that what it costs is bounded however many there are.
WINDOW_ROWS: Final = 5_000
MAX_COUNTS: Final = 12
COUNTED_SPAN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RefusalFilter:
    """What the list keeps: one tenant's rows, perhaps of one client_id or reason code."""

    tenant_id: UUID
    client_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """A page of refusals without their traces; `following` begins the next one."""

    rows: tuple[Refusal, ...]
    following: UUID | None


def read_page(keep: RefusalFilter, after: UUID | None) -> RefusalPage:
    """Read a page of refusals, the newest first; one statement, or two where it looks further."""
    window = _window(keep, after)
    rows = window if not keep.reason else _narrow(window, keep.reason)
    found = tuple(rows.defer("trace")[: PAGE_ROWS + 1])
    if len(found) > PAGE_ROWS:
        return RefusalPage(found[:PAGE_ROWS], found[PAGE_ROWS - 1].pk)
    boundary = _find_boundary(window) if keep.reason else None
    return RefusalPage(found, boundary)


def read_counts(tenant_id: UUID) -> list[tuple[str, int]]:
    """Add up the last day's refusals by reason, those that are most frequent; one statement."""
    counts = RefusalCount.objects.filter(
        tenant=tenant_id, minute__gte=timezone.now() - COUNTED_SPAN
    )
    totals = counts.order_by().values_list("reason").annotate(total=Sum("count"))
    return list(totals.order_by("-total", "reason")[:MAX_COUNTS])


def find_refusal(row_id: UUID, tenant_ids: Collection[UUID] | None) -> Refusal | None:
    """Find one refusal by its key, in these tenants; None stands for all tenants."""
    rows = Refusal.objects.filter(pk=row_id).select_related("tenant", "client")
    return scope(rows, tenant_ids, "tenant_id").first()


def find_by_request_id(request_id: str, tenant_ids: Collection[UUID] | None) -> Refusal | None:
    """Find one refusal by the id that its answer carried."""
    return scope(Refusal.objects.filter(request_id=request_id), tenant_ids, "tenant_id").first()


def _window(keep: RefusalFilter, after: UUID | None) -> QuerySet[Refusal]:
    rows = Refusal.objects.filter(tenant=keep.tenant_id)
    if keep.client_id:
        rows = rows.filter(presented_client_id=keep.client_id)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return rows.order_by("-pk")


def _narrow(window: QuerySet[Refusal], reason: str) -> QuerySet[Refusal]:
    latest = window.values("pk")[:WINDOW_ROWS]
    return Refusal.objects.filter(pk__in=latest, reason=reason).order_by("-pk")


def _find_boundary(window: QuerySet[Refusal]) -> UUID | None:
    """Find the last row that was looked at, if there may be more after it."""
    return window.values_list("pk", flat=True)[WINDOW_ROWS - 1 : WINDOW_ROWS].first()
