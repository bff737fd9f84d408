"""Pages of clients, each beginning behind the last client of the one before."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from rest_framework import serializers

from tenants.api import problems
from tenants.api.document import Document, read_query
from tenants.api.problems import Problem
from tenants.models import Client
from tenants.models.fields import validate_client_id
from tenants.queries.managed_clients import ClientFilter, list_clients

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100


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
    after = _read_cursor(asked["cursor"]) if asked["cursor"] else ""
    clients = list_clients(tenant_id, wanted, after=after, limit=size + 1)
    if len(clients) <= size:
        return clients, None, ""
    cursor = _write_cursor(clients[size - 1].client_id)
    return clients[:size], cursor, _write_link(request, asked, cursor)


def _write_link(request: Request, asked: dict[str, Any], cursor: str) -> str:
    """Name the next page. Source: RFC 8288 section 3."""
    sent = {name: request.query_params[name] for name in asked if name in request.query_params}
    return f'<{request.path}?{urlencode({**sent, "cursor": cursor})}>; rel="next"'


def _write_cursor(client_id: str) -> str:
    return base64.urlsafe_b64encode(client_id.encode()).rstrip(b"=").decode()


def _read_cursor(text: str) -> str:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        client_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        validate_client_id(client_id)
    except (ValueError, binascii.Error, ValidationError) as error:
        errors = {"cursor": ["Send the next_cursor of the page before, as it was."]}
        detail = "Correct the parameters that `errors` names."
        raise Problem(problems.INVALID_PARAMETER, detail, errors=errors) from error
    return client_id
