"""Names subjects and their sign-ins to a client, perhaps as only its sector knows them. Pure."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tenants.records import ClientRecord, TenantSnapshot


def name_subject(subject_id: UUID, client: ClientRecord, tenant: TenantSnapshot) -> str:
    """Answer the `sub` by which a client knows a subject. Source: OIDC Core section 8.1."""
    return _name(b"", subject_id, client, tenant)


def name_sign_in(sign_in_id: UUID, client: ClientRecord, tenant: TenantSnapshot) -> str:
    """Answer the `sid` by which a client knows a sign-in.

    One that all clients knew would bring pairwise ids together. Source: OIDC Core section 8.
    """
    return _name(b"sid", sign_in_id, client, tenant)


def _name(kind: bytes, row_id: UUID, client: ClientRecord, tenant: TenantSnapshot) -> str:
    interactive = client.interactive
    if not interactive.is_pairwise:
        return str(row_id)
    message = interactive.sector.encode() + b"\x00" + kind + row_id.bytes
    digest = hmac.digest(tenant.pairwise_salt, message, "sha256")
    # Version 8 is for ids that are made by their application's own rule: RFC 9562 section 5.8.
    return str(UUID(int=(int.from_bytes(digest[:16], "big") & ~_FIXED_BITS) | _VERSION_8))


_FIXED_BITS = (0xF << 76) | (0x3 << 62)
_VERSION_8 = (0x8 << 76) | (0x2 << 62)
