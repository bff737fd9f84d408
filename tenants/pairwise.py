"""Names a subject to a client: by its id, or by one that only this client's sector knows. Pure."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tenants.records import ClientRecord, TenantSnapshot


def name_subject(subject_id: UUID, client: ClientRecord, tenant: TenantSnapshot) -> str:
    """Answer the `sub` by which a client knows a subject. Source: OIDC Core section 8.1."""
    interactive = client.interactive
    if not interactive.is_pairwise:
        return str(subject_id)
    message = interactive.sector.encode() + b"\x00" + subject_id.bytes
    digest = hmac.digest(tenant.pairwise_salt, message, "sha256")
    # Version 8 is for ids that are made by their application's own rule: RFC 9562 section 5.8.
    return str(UUID(int=(int.from_bytes(digest[:16], "big") & ~_FIXED_BITS) | _VERSION_8))


_FIXED_BITS = (0xF << 76) | (0x3 << 62)
_VERSION_8 = (0x8 << 76) | (0x2 << 62)
