"""Reads logout deliveries by their indexes: bounded pages, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from tenants.models import Client, Subject
from tenants.queries.operators import scope
from tokens.models import LogoutDelivery

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet

PAGE_ROWS: Final = 50
# How many rows a page looks at, so that what it costs is bounded however many there are.
WINDOW_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What the list keeps: one tenant's rows, perhaps of one client or in one state."""

    tenant_id: UUID
    client_id: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery, with its client and person, who may be gone by now."""

    delivery: LogoutDelivery
    client: Client | None
    subject: Subject | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries; `following` begins the next one."""

    rows: tuple[DeliveryRow, ...]
    following: UUID | None


def read_page(keep: DeliveryFilter, after: UUID | None) -> DeliveryPage:
    """Read a page of deliveries, the newest first; three statements, four after the first page."""
    found = list(_narrow(_window(keep.tenant_id, after), keep)[: PAGE_ROWS + 1])
    following = found[PAGE_ROWS - 1].pk if len(found) > PAGE_ROWS else None
    return DeliveryPage(_name(found[:PAGE_ROWS]), following)


def _name(found: list[LogoutDelivery]) -> tuple[DeliveryRow, ...]:
    clients = Client.objects.in_bulk({row.client_id for row in found})
    subjects = Subject.objects.in_bulk({row.subject_id for row in found})
    return tuple(
        DeliveryRow(row, clients.get(row.client_id), subjects.get(row.subject_id)) for row in found
    )


def find_delivery(row_id: UUID, tenant_ids: Collection[UUID] | None) -> LogoutDelivery | None:
    """Find one delivery by its key, in these tenants; None stands for all tenants."""
    return scope(LogoutDelivery.objects.filter(pk=row_id), tenant_ids, "tenant_id").first()


def _window(tenant_id: UUID, after: UUID | None) -> QuerySet[LogoutDelivery]:
    rows = LogoutDelivery.objects.filter(tenant=tenant_id)
    last = rows.filter(pk=after).first() if after else None
    if last is not None:
        moment = last.created_at
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=last.pk))
    return rows.order_by("-created_at", "-pk")


def _narrow(window: QuerySet[LogoutDelivery], keep: DeliveryFilter) -> QuerySet[LogoutDelivery]:
    rows = window
    if keep.client_id or keep.status:
        latest = window.values("pk")[:WINDOW_ROWS]
        rows = LogoutDelivery.objects.filter(pk__in=latest).order_by("-created_at", "-pk")
    if keep.client_id:
        rows = rows.filter(client__client_id=keep.client_id)
    if keep.status:
        rows = rows.filter(status=keep.status)
    return rows
