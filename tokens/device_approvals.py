"""What a person does about a device that waits: find it by its code, let it in, or say no.

Each function is one statement. Source: RFC 8628 section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.credentials import find_digests
from tokens import database, user_codes
from tokens.liveness import NOW, PENDING_DEVICE_DEATH

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Authentication

FIND_SQL: Final = f"""
SELECT code.id, client.client_id, code.api_slug, code.scopes, code.audiences, code.address,
  code.user_agent, extract(epoch FROM code.created_at)::float8
FROM tokens_devicecode code JOIN tenants_client client ON client.id = code.client_id
WHERE code.tenant_id = %(tenant_id)b AND code.user_code_hash = ANY (%(digests)s::bytea[])
  AND code.status = 'pending' AND {PENDING_DEVICE_DEATH} IS NULL
"""  # noqa: S608 - fixed texts.
# The number is raised to the person's own request: what was cut off before is not approved, and
# what is cut off later ends it.
APPROVE_SQL: Final = f"""
UPDATE tokens_devicecode code
SET status = 'approved', subject_id = %(subject_id)b::uuid, sign_in_id = %(sign_in_id)b::uuid,
  authenticated_at = to_timestamp(%(authenticated_at)b::float8), acr = %(acr)s,
  amr = %(amr)s::text[], scopes = %(scopes)s::text[], audiences = %(audiences)s::text[],
  cut_off_number = %(cut_off_number)b::bigint
WHERE code.id = %(id)b AND code.tenant_id = %(tenant_id)b AND code.status = 'pending'
  AND {PENDING_DEVICE_DEATH} IS NULL
  AND EXISTS (SELECT 1 FROM tokens_signin sign_in WHERE sign_in.id = %(sign_in_id)b::uuid
    AND sign_in.tenant_id = %(tenant_id)b AND sign_in.ended_at IS NULL)
RETURNING code.id"""  # noqa: S608 - fixed texts.
DENY_SQL: Final = f"""
UPDATE tokens_devicecode SET status = 'denied'
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND status = 'pending' AND expires_at > {NOW}
RETURNING id"""  # noqa: S608 - fixed texts.


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """A device that waits for a person's decision; `asked_at` in seconds since the epoch.

    Without scopes it asked for its client's default ones.
    """

    id: UUID
    client_id: str
    api_slug: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    address: str
    user_agent: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class Approval:
    """Who let a device have what; `cut_off_number` was held when their request began."""

    subject_id: UUID
    authentication: Authentication
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    cut_off_number: int


def find_waiting(tenant_id: UUID, user_code: str, *, now: float) -> WaitingDevice | None:
    """Find the device that shows this code, if it still waits for somebody."""
    parameters = {
        "tenant_id": tenant_id,
        "digests": find_digests(user_codes.name_code(tenant_id, user_code)),
        "now": float(now),
    }
    rows = database.execute(FIND_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    row_id, client_id, api_slug, scopes, audiences, *rest = rows[0]
    return WaitingDevice(row_id, client_id, api_slug, tuple(scopes), tuple(audiences), *rest)


def approve(tenant_id: UUID, device_id: UUID, approval: Approval, *, now: float) -> bool:
    """Let a device have what a person agreed to; False where somebody or time was faster."""
    authentication = approval.authentication
    values = {
        "id": device_id,
        "tenant_id": tenant_id,
        "subject_id": approval.subject_id,
        "sign_in_id": authentication.sign_in_id,
        "authenticated_at": float(authentication.authenticated_at),
        "acr": authentication.acr,
        "amr": list(authentication.amr),
        "scopes": list(approval.scopes),
        "audiences": list(approval.audiences),
        "cut_off_number": approval.cut_off_number,
        "now": float(now),
    }
    return bool(database.execute(APPROVE_SQL, values))


def deny(tenant_id: UUID, device_id: UUID, *, now: float) -> bool:
    """Tell a device that a person said no; False where somebody or time was faster."""
    values = {"id": device_id, "tenant_id": tenant_id, "now": float(now)}
    return bool(database.execute(DENY_SQL, values))
