"""Reads where end users are signed in, one row of facts each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.admin.grant_rows import PAGE_ROWS
from tokens.liveness import SIGN_IN_DEATH_BY_TENANT

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

_SIGN_INS: Final = f"""
SELECT sign_in.id, sign_in.tenant_id, tenant.path, sign_in.subject_id, sign_in.acr, sign_in.amr,
  sign_in.address, sign_in.user_agent, sign_in.started_at, sign_in.authenticated_at,
  sign_in.last_used_at, sign_in.expires_at, COALESCE(profile.slug, ''), sign_in.ended_reason,
  COALESCE({SIGN_IN_DEATH_BY_TENANT}, '')
FROM tokens_signin sign_in
JOIN tenants_tenant tenant ON tenant.id = sign_in.tenant_id
LEFT JOIN tenants_subject subject ON subject.id = sign_in.subject_id
LEFT JOIN tenants_trustprofile profile ON profile.id = sign_in.trust_profile_id"""  # noqa: S608 - fixed texts.
FIND_SQL: Final = f"""{_SIGN_INS}
WHERE sign_in.id = %(id)b AND (%(is_all)b OR sign_in.tenant_id = ANY (%(tenant_ids)b::uuid[]))"""
LIST_SQL: Final = f"""{_SIGN_INS}
WHERE sign_in.tenant_id = %(tenant_id)b AND sign_in.subject_id = %(subject_id)b
ORDER BY sign_in.started_at DESC, sign_in.id LIMIT {PAGE_ROWS}"""


@dataclass(frozen=True, slots=True)
class SignInRow:
    """An end user in a browser; `death` says why it is over, empty for what lives.

    `trust_profile` names the outside issuer that vouched, empty where none did.
    """

    id: UUID
    tenant_id: UUID
    tenant_path: str
    subject_id: UUID
    acr: str
    amr: list[str]
    address: str
    user_agent: str
    started_at: datetime
    authenticated_at: datetime
    last_used_at: datetime
    expires_at: datetime
    trust_profile: str
    ended_reason: str
    death: str


def find_sign_in(sign_in_id: UUID | None, tenant_ids: Collection[UUID] | None) -> SignInRow | None:
    """Find one sign-in, in these tenants; None stands for all tenants, or for no sign-in."""
    if sign_in_id is None:
        return None
    parameters = {
        "id": sign_in_id,
        "is_all": tenant_ids is None,
        "tenant_ids": list(tenant_ids or ()),
        "now": time.time(),
    }
    rows = database.execute(FIND_SQL, parameters)
    return SignInRow(*rows[0]) if rows else None


def list_sign_ins(tenant_id: UUID, subject_id: UUID) -> list[SignInRow]:
    """List the latest sign-ins of an end user, also those that are over."""
    parameters = {"tenant_id": tenant_id, "subject_id": subject_id, "now": time.time()}
    return [SignInRow(*row) for row in database.execute(LIST_SQL, parameters)]
