"""Reads how clients came into being by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.models import ClientRegistration, InitialAccessToken
from tenants.records import KeyedHash

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class DocumentTimes:
    """When a client's metadata document was fetched, and until when it is fresh.

    A client that is disabled for idleness comes back by its document, however fresh that is.
    """

    fetched_at: datetime
    expires_at: datetime
    is_asleep: bool


def find_initial_access_token(tenant_id: UUID, token_id: UUID) -> KeyedHash | None:
    """Answer the hash of an initial access token of the tenant; one statement."""
    rows = InitialAccessToken.objects.filter(tenant=tenant_id, pk=token_id)
    found = rows.values_list("pepper_id", "token_hash").first()
    return KeyedHash(found[0], bytes(found[1])) if found else None


def find_registration(tenant_id: UUID, registration_id: UUID) -> ClientRegistration | None:
    """Answer a registration that a token manages, with its enabled client; one statement."""
    return (
        ClientRegistration.objects.filter(
            tenant=tenant_id,
            pk=registration_id,
            source=ClientRegistration.Source.REGISTERED,
            client__is_enabled=True,
        )
        .select_related("client__tenant__environment")
        .first()
    )


def find_document(tenant_id: UUID, client_id: UUID) -> DocumentTimes | None:
    """Answer the times of the document that a client came of; None for any other client."""
    rows = ClientRegistration.objects.filter(
        tenant=tenant_id, client=client_id, source=ClientRegistration.Source.DOCUMENT
    )
    found = rows.values_list("document_fetched_at", "document_expires_at", "stage").first()
    if found is None or found[0] is None or found[1] is None:
        return None
    return DocumentTimes(found[0], found[1], found[2] == ClientRegistration.Stage.DISABLED)


def list_scope_names(registration: ClientRegistration) -> list[str]:
    """List the names of the scopes that a registered client may ask for; one statement."""
    return [*registration.client.scopes.values_list("name", flat=True)]
