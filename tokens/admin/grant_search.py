"""Recognises what support pastes: a token, an id, a client_id, or an application's subject.

Of a token only its id is used. Its text is neither kept nor logged nor sent back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tenants.credentials import CredentialKind, parse_credential, parse_opaque_token
from tenants.impersonation import is_name
from tenants.models import Client, Subject
from tenants.queries.operators import scope
from tokens.admin import foreign_rows, grant_rows
from tokens.gate import LEGACY_ID_PREFIX, read_unverified_token_id
from tokens.models import RefreshToken
from tokens.replay import identify_unverified

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_PASTED_CHARACTERS: Final = 20_000
MAX_CLIENTS: Final = 20
# Source: RFC 7515 section 3.1.
JWT_DOTS: Final = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: a session, a token, an outside one, a subject, clients, or a name's tenant.

    In the tenant `named_in` something was issued in the name of an application's subject.
    """

    session_id: UUID | None = None
    token_id: UUID | None = None
    foreign_id: UUID | None = None
    subject: Subject | None = None
    clients: tuple[Client, ...] = ()
    named_in: UUID | None = None


def find(pasted: str, tenant_ids: Collection[UUID] | None) -> Finding | None:
    """Find what the text names in these tenants; None stands for all tenants, or for no finding."""
    text = pasted.strip()
    if not text or len(text) > MAX_PASTED_CHARACTERS or "\x00" in text:
        return None
    refresh = parse_credential(CredentialKind.REFRESH_TOKEN, text)
    if refresh is not None:
        return _find_by_refresh_token(refresh.row_id, tenant_ids)
    opaque = parse_opaque_token(text)
    token_id = opaque.row_id if opaque else read_unverified_token_id(text)
    row = grant_rows.find_token(token_id, tenant_ids) if token_id else None
    if row is not None:
        return Finding(token_id=row.id)
    if token_id is not None or text.count(".") == JWT_DOTS:
        return _find_foreign(text, tenant_ids)
    row_id = _parse_id(text.removeprefix(LEGACY_ID_PREFIX))
    found = _find_by_id(row_id, tenant_ids) if row_id else None
    return found or _find_by_client_id(text, tenant_ids) or _find_by_name(text, tenant_ids)


def _find_foreign(text: str, tenant_ids: Collection[UUID] | None) -> Finding | None:
    """Find an outside token by the digests that its row has; nothing of it is to be verified."""
    hashes = identify_unverified(text)
    row_id = foreign_rows.find_by_hash(hashes, tenant_ids) if hashes else None
    return Finding(foreign_id=row_id) if row_id else None


def _find_by_refresh_token(row_id: UUID, tenant_ids: Collection[UUID] | None) -> Finding | None:
    rows = scope(RefreshToken.objects.filter(pk=row_id), tenant_ids, "tenant_id")
    session_id = rows.values_list("session_id", flat=True).first()
    return Finding(session_id=session_id) if session_id else None


def _find_by_id(row_id: UUID, tenant_ids: Collection[UUID] | None) -> Finding | None:
    if grant_rows.find_token(row_id, tenant_ids):
        return Finding(token_id=row_id)
    if grant_rows.find_session(row_id, tenant_ids):
        return Finding(session_id=row_id)
    if foreign_rows.find_foreign(row_id, tenant_ids):
        return Finding(foreign_id=row_id)
    subject = scope(Subject.objects.filter(pk=row_id), tenant_ids, "tenant_id").first()
    return Finding(subject=subject) if subject else None


def _find_by_client_id(client_id: str, tenant_ids: Collection[UUID] | None) -> Finding | None:
    rows = scope(Client.objects.filter(client_id=client_id), tenant_ids, "tenant_id")
    clients = tuple(rows.select_related("tenant")[:MAX_CLIENTS])
    return Finding(clients=clients) if clients else None


def _find_by_name(text: str, tenant_ids: Collection[UUID] | None) -> Finding | None:
    tenant_id = grant_rows.find_tenant_of_name(text, tenant_ids) if is_name(text) else None
    return Finding(named_in=tenant_id) if tenant_id else None


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
