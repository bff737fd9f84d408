"""Clients whose id is the address of a document that describes them.

Source: draft-ietf-oauth-client-id-metadata-document.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.core.cache import cache

from tenants import snapshot
from tenants.errors import InvalidEntity, QuotaUsedUp
from tenants.queries import registrations as queries
from tenants.services import registrations
from tokens.client_metadata import SECRET_METHODS
from tokens.client_registration import read_wanted
from tokens.errors import OAuthError, RateLimited
from tokens.foreign_documents import DocumentLate, DocumentUnavailable, fetch_document
from tokens.jose import InvalidJWT, parse_json_object
from tokens.limits.registrations import admit_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.queries.registrations import DocumentTimes
    from tenants.records import JSON, ClientRecord, TenantSnapshot
    from tenants.services.registrations import Wanted

HTTPS: Final = "https://"
MAX_BYTES: Final = 5_120
MAX_ADDRESS_CHARACTERS: Final = 255
FRESH: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=24)
FAILED_SECONDS: Final = 30
LATE_SECONDS: Final = 2
METHOD: Final = "token_endpoint_auth_method"
PUBLIC: Final = "none"
SECRETS: Final = ("client_secret", "client_secret_expires_at")
SECRET: Final = "it speaks of a secret, which everybody could read"  # noqa: S105 - a text.


class DocumentRefused(Exception):
    """The document of a client is missing, malformed, or not what such a client may say."""

    def __init__(self, detail: str, *, seconds: int = FAILED_SECONDS) -> None:
        """Keep how long it is not worth while to ask again, in seconds."""
        super().__init__(detail)
        self.seconds = seconds


def find_client(
    tenant: TenantSnapshot, client_id: str, *, address: str, now: float
) -> ClientRecord | None:
    """Answer the tenant's client of this id; one that is an address is fetched when it is due.

    `now` is in seconds since the epoch, `address` that of who asks. While a document can't be
    fetched, what was fetched within a day holds.

    Raises:
        DocumentRefused: there is no document, or none that can be used.
        RateLimited: the address names too many documents.
    """
    client = snapshot.CURRENT.client(tenant, client_id)
    if not client_id.startswith(HTTPS):
        return client
    times = queries.find_document(tenant.id, client.id) if client else None
    if client is not None and times is None:
        return client  # An operator made it.
    if not tenant.registration.allows_documents:
        return None
    moment = datetime.fromtimestamp(now, UTC)
    if client is not None and times is not None and _is_fresh(client, times, moment):
        return client
    try:
        _renew(tenant, client_id, address, moment)
    except (DocumentRefused, RateLimited):
        if client is None or times is None or moment > times.fetched_at + STALE:
            raise
        return client
    snapshot.CURRENT.renew()
    return snapshot.CURRENT.client(tenant, client_id)


def host_of(client_id: str) -> str:
    """Answer whose document describes a client; empty for a client without one."""
    return (urlsplit(client_id).hostname or "") if client_id.startswith(HTTPS) else ""


def explain_address(client_id: str) -> str:
    """Say why an address can't be a client's id; empty where it can. Source: section 2."""
    try:
        parts = urlsplit(client_id)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return "not an address"
    segments = parts.path.lower().replace("%2e", ".").split("/")
    if len(client_id) > MAX_ADDRESS_CHARACTERS or not all("!" <= c <= "~" for c in client_id):
        return "too long, or characters that an address can't have"
    if not parts.hostname or not has_port or "@" in parts.netloc or "#" in client_id:
        return "no host, or credentials, or a fragment"
    if parts.path in {"", "/"} or "." in segments or ".." in segments:
        return "no path, or a path with dot segments"
    return ""


def _is_fresh(client: ClientRecord, times: DocumentTimes, moment: datetime) -> bool:
    """Say whether nothing has to be fetched; one that an operator has disabled stays it."""
    return moment < times.expires_at and (client.is_enabled or not times.is_asleep)


def _renew(tenant: TenantSnapshot, client_id: str, address: str, moment: datetime) -> None:
    """Fetch the document and write what it says; a failure is remembered for a moment."""
    wrong = explain_address(client_id)
    if wrong:
        raise DocumentRefused(wrong)
    key = f"client-document:{hashlib.sha256(f'{tenant.id} {client_id}'.encode()).hexdigest()}"
    if cache.get(key):
        raise DocumentRefused("it failed a moment ago")
    admit_document(tenant, address)
    try:
        _save(tenant, client_id, _read(tenant, client_id), address, moment)
    except DocumentRefused as refused:
        cache.set(key, True, refused.seconds)  # noqa: FBT003 - Django's own signature.
        raise


def _read(tenant: TenantSnapshot, client_id: str) -> Wanted:
    """Fetch and read a document. Source: sections 4 and 4.1."""
    try:
        document = parse_json_object(fetch_document(tenant.id, client_id, max_bytes=MAX_BYTES))
        _check_identity(document, client_id)
        said = {name: value for name, value in document.items() if value is not None}
        wanted = read_wanted(tenant, {METHOD: PUBLIC, **said})
    except DocumentLate as error:
        raise DocumentRefused(str(error), seconds=LATE_SECONDS) from error
    except (DocumentUnavailable, InvalidJWT, OAuthError) as error:
        raise DocumentRefused(str(error)) from error
    if wanted.fields[METHOD] in SECRET_METHODS:
        raise DocumentRefused(SECRET)
    return wanted


def _check_identity(document: Mapping[str, JSON], client_id: str) -> None:
    """Refuse another client's words, and what everybody could read. Source: section 4.1."""
    if document.get("client_id") != client_id:
        raise DocumentRefused("its client_id is another one")
    if any(name in document for name in SECRETS):
        raise DocumentRefused(SECRET)


def _save(
    tenant: TenantSnapshot, client_id: str, wanted: Wanted, address: str, moment: datetime
) -> None:
    try:
        registrations.save_document(
            tenant,
            client_id,
            wanted,
            address=address,
            fetched_at=moment,
            expires_at=moment + FRESH,
        )
    except (InvalidEntity, QuotaUsedUp) as error:
        raise DocumentRefused(str(error)) from error
