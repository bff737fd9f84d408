"""Reads of clients that are not part of the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.models import Client

if TYPE_CHECKING:
    from uuid import UUID


def is_allowed_origin(tenant_id: UUID, origin: str) -> bool:
    """Say whether any enabled client of the tenant lists the web origin; one statement."""
    clients = Client.objects.filter(tenant=tenant_id, is_enabled=True)
    return clients.filter(cors_allowed_origins__contains=[origin]).exists()
