"""Fetches what strangers name: documents of their clients, their keys, lists of redirect URIs.

They have calls of their own, and a store of keys, so that a slow stranger holds up no issuer that
a tenant trusts, and many displace no trusted keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import outgoing
from tenants.errors import OutgoingFailed, OutgoingRefused
from tokens.foreign_keys import JwksCache
from tokens.outside_calls import NoAnswerYet, NotCalled, OutsideCalls
from tokens.parameters import JSON_TYPE

if TYPE_CHECKING:
    from uuid import UUID

TIMEOUT_SECONDS: Final = 5.0
MAX_KEY_SETS: Final = 256
CALLS: Final = OutsideCalls()
STRANGERS_KEYS: Final = JwksCache(calls=CALLS, max_sets=MAX_KEY_SETS)


class DocumentUnavailable(Exception):
    """Nothing could be fetched from the address, or nothing that may be."""


class DocumentLate(DocumentUnavailable):
    """Nothing came in time, or others are being waited for: that says nothing of the document."""


def fetch_document(tenant_id: UUID, uri: str, *, max_bytes: int) -> bytes:
    """Fetch a JSON text in the tenant's turn.

    Raises:
        DocumentUnavailable: there is none, it is too large, or its address is not public.
        DocumentLate: nobody knows yet.
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
    except (NotCalled, NoAnswerYet) as error:
        raise DocumentLate(type(error).__name__) from error
    except (OutgoingFailed, OutgoingRefused) as error:
        raise DocumentUnavailable(f"{type(error).__name__} {error}") from error
