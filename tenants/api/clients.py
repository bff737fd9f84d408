"""Clients: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from tenants.api import openapi
from tenants.api.client_document import ClientDocument, ClientPageDocument, CreatedClientDocument
from tenants.api.client_pages import ClientQueryDocument, read_page
from tenants.api.client_writes import lock_client, write_client
from tenants.api.document import read_body
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import Client, Tenant
from tenants.queries.managed_clients import get_client
from tenants.services.client_secrets import add_secret
from tenants.services.clients import delete_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from tenants.api.caller import Caller

Method = Client.AuthenticationMethod
SCOPES: Final[Mapping[str, str]] = {
    "read": "management:clients:read",
    "write": "management:clients:write",
}
SECRET_METHODS: Final = frozenset((Method.CLIENT_SECRET_BASIC, Method.CLIENT_SECRET_POST))
FIRST_LABEL: Final = "first"


class ClientsView(TenantView):
    """The clients of a tenant."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_clients",
        parameters=[ClientQueryDocument],
        responses=openapi.answers(200, ClientPageDocument),
    )
    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List clients in the order of their client_id, a page at a time."""
        clients, cursor, link = read_page(request, caller_of(request).tenant.id)
        page = ClientPageDocument({"items": clients, "next_cursor": cursor})
        return Response(page.data, headers={"Link": link} if link else {})

    @extend_schema(
        operation_id="create_client",
        request=ClientDocument,
        responses=openapi.answers(201, CreatedClientDocument, 409, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create a client; where it authenticates by secret, its first one is in the answer.

        Without an access policy that allows it, the client gets no token.
        """
        caller = caller_of(request)
        values = read_body(request, ClientDocument)
        tenant = Tenant.objects.select_related("environment").get(pk=caller.tenant.id)
        created = write_client(Client(tenant=tenant), values, caller)
        shown = _first_secret(created, caller)
        client = get_client(caller.tenant.id, created.pk)
        headers = {
            "Location": reverse("api-client", kwargs={**path, "id": client.pk}),
            "ETag": entity_tag(client.version),
        }
        document = {**ClientDocument(client).data, **shown}
        return Response(document, status=status.HTTP_201_CREATED, headers=headers)


class ClientView(TenantView):
    """One client."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(operation_id="read_client", responses=openapi.answers(200, ClientDocument, 404))
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read a client and the ETag of its version."""
        return _answer(get_client(caller_of(request).tenant.id, id))

    @extend_schema(
        operation_id="update_client",
        request=ClientDocument,
        parameters=[openapi.IF_MATCH_REQUIRED],
        responses=openapi.answers(200, ClientDocument, 404, 409, 412, 428, *openapi.BODY),
    )
    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent, on the version that If-Match names."""
        caller = caller_of(request)
        client = lock_client(caller, id)
        require_match(request, client.version)
        values = read_body(request, ClientDocument, is_partial=True)
        if values:
            write_client(client, values, caller)
            client = get_client(caller.tenant.id, id)
        return _answer(client)

    @extend_schema(
        operation_id="delete_client",
        parameters=[openapi.IF_MATCH],
        responses=openapi.answers(204, None, 404, 409, 412),
    )
    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete a client and end everything that was issued to it."""
        caller = caller_of(request)
        client = lock_client(caller, id)
        check_match(request, client.version)
        delete_client(client, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(client: Client) -> Response:
    return Response(ClientDocument(client).data, headers={"ETag": entity_tag(client.version)})


def _first_secret(client: Client, caller: Caller) -> dict[str, str | int]:
    """Make the first secret where the method needs one. Source: RFC 7591 section 3.2.1."""
    if client.token_endpoint_auth_method not in SECRET_METHODS:
        return {}
    _, text = add_secret(client, label=FIRST_LABEL, actor=caller.actor)
    # Zero says that it does not expire.
    return {"client_secret": text, "client_secret_expires_at": 0}
