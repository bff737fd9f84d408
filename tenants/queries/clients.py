"""Reads of clients that are not part of the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.models import Client, MasterToken

if TYPE_CHECKING:
    from uuid import UUID


def is_allowed_origin(tenant_id: UUID, origin: str) -> bool:
    """Say whether an enabled client or master token of the tenant lists the web origin.

    One statement.
    """
    clients = Client.objects.filter(tenant=tenant_id, is_enabled=True)
    tokens = MasterToken.objects.filter(tenant=tenant_id, is_enabled=True)
    listing = clients.filter(cors_allowed_origins__contains=[origin]).order_by().values("pk")
    as_well = tokens.filter(allowed_origins__contains=[origin]).order_by().values("pk")
    return listing.union(as_well).exists()


def find_logo_uri(tenant_id: UUID, client_id: UUID) -> str:
    """Answer the address of the logo of a client, named by its row's id; empty for none."""
    clients = Client.objects.filter(tenant=tenant_id, pk=client_id, is_enabled=True)
    return clients.order_by().values_list("logo_uri", flat=True).first() or ""
