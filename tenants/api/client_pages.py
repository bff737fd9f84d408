"""Pages of clients, each beginning behind the last client of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from tenants.api.document import Document, read_query
from tenants.api.pages import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    read_cursor,
    write_cursor,
    write_link,
)
from tenants.models import Client
from tenants.models.fields import validate_client_id
from tenants.queries.managed_clients import ClientFilter, list_clients

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request


class ClientQueryDocument(Document[Client]):
    """The query parameters of the list."""

    page_size = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE
    )
    cursor = serializers.CharField(
        default="", max_length=400, help_text="The `next_cursor` of the page before."
    )
    client_id_prefix = serializers.CharField(
        default="", max_length=255, help_text="What the client_id begins with."
    )
    kind = serializers.ChoiceField(choices=Client.Kind.choices, default="")
    is_enabled = serializers.BooleanField(required=False)


def read_page(request: Request, tenant_id: UUID) -> tuple[list[Client], str | None, str]:
    """Read the clients of the page, the cursor of the next one, and its Link header.

    Raises:
        Problem: a query parameter is wrong.
    """
    asked = read_query(request, ClientQueryDocument)
    size = int(asked["page_size"])
    wanted = ClientFilter(asked["client_id_prefix"], asked["kind"], asked.get("is_enabled"))
    after = read_cursor(asked["cursor"], validate_client_id)
    clients = list_clients(tenant_id, wanted, after=after, limit=size + 1)
    if len(clients) <= size:
        return clients, None, ""
    cursor = write_cursor(clients[size - 1].client_id)
    return clients[:size], cursor, write_link(request, asked, cursor)
