"""The secrets of a client: list, create, delete. The text of one is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from tenants.api import openapi
from tenants.api.client_document import (
    CreatedSecretDocument,
    SecretDocument,
    SecretListDocument,
)
from tenants.api.client_writes import lock_client
from tenants.api.clients import SCOPES, SECRET_METHODS
from tenants.api.document import read_body
from tenants.api.view import TenantView, caller_of, in_console
from tenants.errors import Conflict, InvalidEntity
from tenants.queries.managed_clients import get_client, get_secret, list_secrets
from tenants.services.client_secrets import add_secret, remove_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from tenants.models import Client


class ClientSecretsView(TenantView):
    """The secrets of one client."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_client_secrets",
        responses=openapi.answers(200, SecretListDocument, 404),
    )
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """List a client's secrets without their texts."""
        client = get_client(caller_of(request).tenant.id, id)
        return Response(SecretListDocument({"items": list_secrets(client)}).data)

    @extend_schema(
        operation_id="create_client_secret",
        request=SecretDocument,
        responses=openapi.answers(201, CreatedSecretDocument, 404, 409, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, id: UUID, **path: str) -> Response:  # noqa: A002 - its name.
        """Make another secret, so that one can be replaced without an outage."""
        caller = caller_of(request)
        client = lock_client(caller, id)
        values = _read_new_secret(request, client)
        secret, text = add_secret(client, actor=caller.actor, **values)
        document = {**SecretDocument(secret).data, "client_secret": text}
        location = reverse("api-client-secret", kwargs={**path, "id": id, "secret_id": secret.pk})
        headers = {"Location": location}
        return Response(document, status=status.HTTP_201_CREATED, headers=headers)


class ClientSecretView(TenantView):
    """One secret of one client."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="delete_client_secret", responses=openapi.answers(204, None, 404, 409)
    )
    @in_console
    def delete(
        self,
        request: Request,
        id: UUID,  # noqa: A002 - its name in the path.
        secret_id: UUID,
        **_path: str,
    ) -> Response:
        """Remove a secret; whoever still uses it is refused within a second."""
        caller = caller_of(request)
        secret = get_secret(lock_client(caller, id), secret_id)
        remove_secret(secret, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _read_new_secret(request: Request, client: Client) -> dict[str, Any]:
    """Read label and expiry.

    Raises:
        Conflict: the client authenticates in another way.
        InvalidEntity: the expiry has passed.
    """
    if client.token_endpoint_auth_method not in SECRET_METHODS:
        raise Conflict("This client has no secret: change its token_endpoint_auth_method first.")
    values = read_body(request, SecretDocument)
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidEntity({"expires_at": ["Choose a moment that is still to come."]})
    return values
