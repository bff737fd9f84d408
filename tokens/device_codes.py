"""Makes a device's two codes, and finds them again by the one that the device holds.

Each function is one statement. Of both codes only keyed hashes stay. What the person does is in
`tokens/device_approvals.py`. Source: RFC 8628.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenants.credentials import (
    CredentialKind,
    find_digests,
    hash_secret,
    make_credential,
    parse_credential,
)
from tenants.queries.subjects import attributes_of, memberships_of, read_memberships
from tenants.records import Authentication, SubjectRecord
from tokens import database, user_codes
from tokens.liveness import DEVICE_DEATH, NOW

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import ClientRecord, TenantSnapshot

LIFETIME_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 5
# Source: RFC 8628 section 3.5.
SLOWER_BY_SECONDS: Final = 5
MAX_INTERVAL_SECONDS: Final = 120
# A poll may come so much early: networks are not punctual.
TOLERANCE_SECONDS: Final = 1
MAX_PENDING: Final = 10_000
MAX_ADDRESS_CHARACTERS: Final = 45
MAX_USER_AGENT_CHARACTERS: Final = 200
ATTEMPTS: Final = 5

MAKE_SQL: Final = f"""
WITH waiting AS MATERIALIZED (
  SELECT count(*) < %(most)b::bigint AS has_room FROM (
    SELECT 1 FROM tokens_devicecode
    WHERE expires_at > {NOW} AND tenant_id = %(tenant_id)b AND client_id = %(client_id)b
      AND status = 'pending' LIMIT %(most)b::bigint) pending),
made AS (
  INSERT INTO tokens_devicecode (id, tenant_id, client_id, acr, amr, api_slug, interval_seconds,
    address, user_agent, pepper_id, secret_hash, user_code_hash, status, scopes, audiences,
    cut_off_number, created_at, expires_at)
  SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(client_id)b::uuid, '', '{{}}', %(api_slug)s,
    %(interval)b::smallint, %(address)s, %(user_agent)s, %(pepper_id)s, %(secret_hash)b::bytea,
    %(user_code_hash)b::bytea, 'pending', %(scopes)s::text[], %(audiences)s::text[],
    %(cut_off_number)b::bigint, {NOW}, {NOW} + make_interval(secs => %(lifetime)b::float8)
  FROM waiting WHERE has_room
  ON CONFLICT (tenant_id, user_code_hash) DO NOTHING RETURNING id)
SELECT waiting.has_room, EXISTS (SELECT 1 FROM made) FROM waiting"""  # noqa: S608 - fixed texts.
# The row is locked first, so that of two polls at once the second one sees the first.
POLL_SQL: Final = f"""
WITH code AS MATERIALIZED (
  SELECT *, status = 'pending' AND last_polled_at IS NOT NULL
    AND last_polled_at + make_interval(secs => interval_seconds - {TOLERANCE_SECONDS}) > {NOW}
    AS is_early
  FROM tokens_devicecode
  WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND client_id = %(client_id)b
    AND secret_hash = ANY (%(digests)s::bytea[])
  FOR UPDATE),
polled AS (
  UPDATE tokens_devicecode SET last_polled_at = {NOW}, interval_seconds = CASE
    WHEN code.is_early
      THEN LEAST(code.interval_seconds + {SLOWER_BY_SECONDS}, {MAX_INTERVAL_SECONDS})
    ELSE code.interval_seconds END
  FROM code WHERE tokens_devicecode.id = code.id AND code.status = 'pending')
SELECT code.id, code.session_id, code.api_slug, code.scopes, code.audiences, code.status,
  code.is_early, COALESCE({DEVICE_DEATH}, ''), sign_in.trust_profile_id, code.sign_in_id,
  floor(extract(epoch FROM code.authenticated_at))::bigint, code.acr, code.amr, code.subject_id,
  code.cut_off_number, {memberships_of("code.subject_id")},
  COALESCE({attributes_of("subject")}, '')
FROM code
LEFT JOIN tenants_subject subject ON subject.id = code.subject_id
LEFT JOIN tokens_signin sign_in ON sign_in.id = code.sign_in_id
"""  # noqa: S608 - fixed texts.
_OWN_FACTS: Final = 9


class TooManyPending(Exception):
    """The client has as many codes waiting for people as it may have."""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What a device asks for; `cut_off_number` was held when its request began."""

    client_id: UUID
    api_slug: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    address: str
    user_agent: str
    cut_off_number: int


@dataclass(frozen=True, slots=True)
class IssuedCodes:
    """What the device is told: its own code, and what the person types."""

    device_code: str = field(repr=False)
    user_code: str


@dataclass(frozen=True, slots=True)
class PolledDevice:
    """A device code whose secret was right, and how far the person has come.

    `death` says why it can't be used any more, apart from its `status`; it is empty while the code
    lives. `session_id` is the session that began with it; nobody has approved it while `subject`
    is None.
    """

    id: UUID
    session_id: UUID | None
    api_slug: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    status: str
    is_early: bool
    death: str
    trust_profile_id: UUID | None
    authentication: Authentication | None
    subject: SubjectRecord | None


def make_codes(tenant: TenantSnapshot, device: NewDevice, *, now: float) -> IssuedCodes:
    """Store what a device asks for, and answer its two codes; a taken user code is drawn again.

    Raises:
        TooManyPending: the client has too many codes that wait.
    """
    for _ in range(ATTEMPTS):
        user_code = user_codes.draw_code()
        device_code = _insert(tenant.id, device, user_code, now)
        if device_code:
            return IssuedCodes(device_code, user_codes.write_code(user_code))
    raise TooManyPending("no user code was free")


def _insert(tenant_id: UUID, device: NewDevice, user_code: str, now: float) -> str:
    """Store both codes; empty where the user code is taken."""
    row_id = uuid.uuid4()
    issued = make_credential(CredentialKind.DEVICE_CODE, row_id)
    values = {
        "id": row_id,
        "tenant_id": tenant_id,
        "client_id": device.client_id,
        "api_slug": device.api_slug,
        "interval": INTERVAL_SECONDS,
        "address": device.address[:MAX_ADDRESS_CHARACTERS],
        "user_agent": device.user_agent.replace("\x00", "\ufffd")[:MAX_USER_AGENT_CHARACTERS],
        "pepper_id": issued.keyed_hash.pepper_id,
        "secret_hash": issued.keyed_hash.digest,
        "user_code_hash": hash_secret(user_codes.name_code(tenant_id, user_code)).digest,
        "scopes": list(device.scopes),
        "audiences": list(device.audiences),
        "cut_off_number": device.cut_off_number,
        "now": float(now),
        "lifetime": float(LIFETIME_SECONDS),
        "most": MAX_PENDING,
    }
    ((has_room, is_made),) = database.execute(MAKE_SQL, values)
    if not has_room:
        raise TooManyPending(f"{MAX_PENDING} codes are pending")
    return issued.text if is_made else ""


def poll(tenant_id: UUID, client: ClientRecord, text: str, *, now: float) -> PolledDevice | None:
    """Note that a device asks, and answer how far its person has come.

    None for an unknown text, a wrong secret and another client's code, of which nothing is noted.
    """
    credential = parse_credential(CredentialKind.DEVICE_CODE, text)
    if credential is None:
        return None
    parameters = {
        "id": credential.row_id,
        "tenant_id": tenant_id,
        "client_id": client.id,
        "digests": find_digests(credential.secret),
        "now": float(now),
    }
    # Done twice, it would only ask the device to slow down.
    rows = database.execute(POLL_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    row_id, session_id, api_slug, scopes, audiences, *rest = rows[0][:_OWN_FACTS]
    authentication, subject = _read_person(rows[0][_OWN_FACTS:])
    status, is_early, death, trust_profile_id = rest
    return PolledDevice(
        row_id,
        session_id,
        api_slug,
        tuple(scopes),
        tuple(audiences),
        status,
        is_early,
        death,
        trust_profile_id,
        authentication,
        subject,
    )


def _read_person(columns: database.Row) -> tuple[Authentication | None, SubjectRecord | None]:
    """Read who approved and how they had signed in; a disabled person has ended the code."""
    sign_in_id, authenticated_at, acr, amr, subject_id, number, text, attributes = columns
    if subject_id is None:
        return None, None
    memberships = read_memberships(text)
    subject = SubjectRecord(
        subject_id,
        is_enabled=True,
        cut_off_number=number,
        groups=tuple(membership.slug for membership in memberships),
        memberships=memberships,
        attributes=attributes,
    )
    return Authentication(sign_in_id, authenticated_at, acr, tuple(amr)), subject
