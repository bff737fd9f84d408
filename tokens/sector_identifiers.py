"""Proves whose pairwise ids a client shares. Source: OpenID Connect Registration section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tokens.errors import InvalidClientMetadata
from tokens.foreign_documents import DocumentUnavailable, fetch_document
from tokens.jose import InvalidJWT, parse_json_object

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

MAX_BYTES: Final = 20_000
UNPROVEN: Final = "The sector_identifier_uri must answer the list of all redirect_uris, by https."


def prove_sector(tenant_id: UUID, uri: str, redirect_uris: Collection[str]) -> str:
    """Answer the host whose pairwise ids a client shares, which lists its redirect URIs.

    Raises:
        InvalidClientMetadata: nothing is there, or the list lacks one of them.
    """
    if not uri.startswith("https://"):
        raise InvalidClientMetadata(UNPROVEN)
    try:
        listed = _read_list(fetch_document(tenant_id, uri, max_bytes=MAX_BYTES))
    except (DocumentUnavailable, InvalidJWT) as error:
        raise InvalidClientMetadata(UNPROVEN, detail=str(error)) from error
    if not set(redirect_uris) <= listed:
        raise InvalidClientMetadata(UNPROVEN)
    return urlsplit(uri).hostname or ""


def _read_list(body: bytes) -> set[str]:
    """Read an array of texts by the strict parser, which knows objects only."""
    listed = parse_json_object(b'{"listed":' + body + b"}").get("listed")
    return {item for item in listed if isinstance(item, str)} if isinstance(listed, list) else set()
