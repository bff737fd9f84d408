"""Fetches what strangers name: documents of their clients, and lists of redirect URIs.

They have calls of their own, so that a slow stranger holds up no issuer that a tenant trusts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import outgoing
from tenants.errors import OutgoingFailed, OutgoingRefused
from tokens.outside_calls import NoAnswerYet, NotCalled, OutsideCalls
from tokens.parameters import JSON_TYPE

if TYPE_CHECKING:
    from uuid import UUID

TIMEOUT_SECONDS: Final = 5.0
CALLS: Final = OutsideCalls()


class DocumentUnavailable(Exception):
    """Nothing could be fetched from the address, or nothing that may be."""


def fetch_document(tenant_id: UUID, uri: str, *, max_bytes: int) -> bytes:
    """Fetch a JSON text in the tenant's turn.

    Raises:
        DocumentUnavailable: there is none, it is too large, or its address is not public.
    """

    def call() -> bytes:
        return outgoing.fetch(
            uri,
            accepted_media_types=(JSON_TYPE,),
            max_bytes=max_bytes,
            timeout_seconds=TIMEOUT_SECONDS,
        )

    try:
        return CALLS.run(tenant_id, call)
    except (OutgoingFailed, OutgoingRefused, NotCalled, NoAnswerYet) as error:
        raise DocumentUnavailable(f"{type(error).__name__} {error}") from error
