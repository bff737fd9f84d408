"""Reads a master token as the endpoints that take one need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from tenants.records import KeyedHash

if TYPE_CHECKING:
    from uuid import UUID

PUBLIC = "public"
# Rights to manage the tenant are never delegated, whatever the token's scopes say.
BY_ID_SQL = """
SELECT m.kind, m.label, c.id, c.client_id, m.is_enabled, extract(epoch FROM m.expires_at)::float8,
  m.pepper_id, m.token_hash, m.allowed_origins, m.allowed_addresses, m.user_groups,
  m.max_users_per_address_per_day, m.max_users_per_day,
  ARRAY(SELECT s.name FROM tenants_mastertoken_scopes l
    JOIN tenants_scope s ON s.id = l.scope_id JOIN tenants_api a ON a.id = s.api_id
    WHERE l.mastertoken_id = m.id AND a.built_in <> 'management')
FROM tenants_mastertoken m JOIN tenants_client c ON c.id = m.client_id
WHERE m.id = %s AND m.tenant_id = %s
"""


@dataclass(frozen=True, slots=True)
class MasterTokenRecord:
    """A master token: what it may delegate, for whom, from where, and how often.

    `client` is its client's row, `client_id` that one's name; `expires_at` is in seconds since the
    epoch. Empty lists restrict nothing, but `scopes` are all that it may delegate.
    """

    id: UUID
    kind: str
    label: str
    client: UUID
    client_id: str
    is_enabled: bool
    expires_at: float
    keyed_hash: KeyedHash
    scopes: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    allowed_addresses: tuple[str, ...] = ()
    user_groups: frozenset[str] = frozenset()
    max_users_per_address_per_day: int = 0
    max_users_per_day: int = 0

    @property
    def is_public(self) -> bool:
        """Whether it is shipped inside an application, so that anybody may hold it."""
        return self.kind == PUBLIC


def find_master_token(tenant_id: UUID, token_id: UUID) -> MasterTokenRecord | None:
    """Find the tenant's master token of this id; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(BY_ID_SQL, [token_id, tenant_id])
        row = cursor.fetchone()
    if row is None:
        return None
    kind, label, client, client_id, is_enabled, expires_at, pepper_id, digest, *limits = row
    origins, addresses, groups, per_address, per_day, scopes = limits
    return MasterTokenRecord(
        id=token_id,
        kind=kind,
        label=label,
        client=client,
        client_id=client_id,
        is_enabled=is_enabled,
        expires_at=expires_at,
        keyed_hash=KeyedHash(pepper_id, bytes(digest)),
        scopes=frozenset(scopes),
        allowed_origins=frozenset(origins),
        allowed_addresses=tuple(addresses),
        user_groups=frozenset(groups),
        max_users_per_address_per_day=per_address,
        max_users_per_day=per_day,
    )
