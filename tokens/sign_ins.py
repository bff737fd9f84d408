"""People who are signed in in a browser: how that begins and is found again.

`tokens/sign_out.py` ends it.

The secret stands in the browser's cookie, its keyed hash in the row, whose id is the `sid`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.credentials import CredentialKind, is_secret, make_credential, parse_credential
from tenants.records import Authentication, KeyedHash
from tokens import database
from tokens.liveness import NOW, SIGN_IN_DEATH

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import TenantSnapshot

MAX_USER_AGENT_CHARACTERS: Final = 200
MAX_ADDRESS_CHARACTERS: Final = 45
# A row that every page wrote would cost more than the page.
TOUCH_SECONDS: Final = 60
BEGIN_SQL: Final = """
INSERT INTO tokens_signin (id, tenant_id, subject_id, trust_profile_id, pepper_id, secret_hash, acr,
  amr, cut_off_number, address, user_agent, started_at, authenticated_at, last_used_at, expires_at,
  ended_reason)
SELECT %(id)b::uuid, %(tenant_id)b::uuid, subject.id, %(trust_profile_id)b::uuid, %(pepper_id)s,
  %(secret_hash)b::bytea, %(acr)s, %(amr)s::text[], %(cut_off_number)b::bigint, %(address)s,
  %(user_agent)s, moment, moment, moment,
  moment + make_interval(secs => %(lifetime)b::float8), ''
FROM tenants_subject subject CROSS JOIN to_timestamp(%(now)b::float8) moment
WHERE subject.id = %(subject_id)b AND subject.tenant_id = %(tenant_id)b AND subject.is_enabled
RETURNING id"""
FIND_SQL: Final = f"""
SELECT sign_in.pepper_id, sign_in.secret_hash, {SIGN_IN_DEATH}, sign_in.subject_id,
  sign_in.trust_profile_id, extract(epoch FROM sign_in.authenticated_at)::float8, sign_in.acr,
  sign_in.amr, sign_in.cut_off_number, extract(epoch FROM sign_in.last_used_at)::float8,
  COALESCE(NULLIF(subject.name, ''), NULLIF(subject.email, ''), subject.external_id, '')
FROM tokens_signin sign_in JOIN tenants_subject subject ON subject.id = sign_in.subject_id
WHERE sign_in.id = %(id)b AND sign_in.tenant_id = %(tenant_id)b
"""  # noqa: S608 - fixed texts.
TOUCH_SQL: Final = f"""
UPDATE tokens_signin SET last_used_at = {NOW} WHERE id = %(id)b AND ended_at IS NULL
"""  # noqa: S608 - fixed texts.
PROVE_SQL: Final = f"""
UPDATE tokens_signin
SET authenticated_at = {NOW}, last_used_at = {NOW}, acr = %(acr)s, amr = %(amr)s::text[],
  trust_profile_id = %(trust_profile_id)b::uuid, cut_off_number = %(cut_off_number)b::bigint,
  pepper_id = %(pepper_id)s, secret_hash = %(secret_hash)b::bytea
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND ended_at IS NULL RETURNING id
"""  # noqa: S608 - fixed texts.


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """A person who is signed in; times in seconds since the epoch.

    `name` is how a page greets them. `cut_off_number` was read when they signed in. `proven_at` is
    when they last proved who they are, to the fraction of a second.
    """

    id: UUID
    subject_id: UUID
    trust_profile_id: UUID | None
    authentication: Authentication
    cut_off_number: int
    name: str
    proven_at: float


@dataclass(frozen=True, slots=True)
class Proof:
    """By what a person proved who they are, and where; `trust_profile_id` for an outside issuer."""

    subject_id: UUID
    acr: str
    amr: tuple[str, ...]
    address: str
    user_agent: str
    trust_profile_id: UUID | None = None


def begin(tenant: TenantSnapshot, proof: Proof, *, number: int, now: float) -> str | None:
    """Sign a person in, and answer the cookie's text; None where they are disabled or gone.

    `number` is the cut-off number that was held before anything was proven.
    """
    sign_in_id = uuid.uuid4()
    issued = make_credential(CredentialKind.SIGN_IN, sign_in_id)
    values = {
        "id": sign_in_id,
        "tenant_id": tenant.id,
        "subject_id": proof.subject_id,
        "trust_profile_id": proof.trust_profile_id,
        "pepper_id": issued.keyed_hash.pepper_id,
        "secret_hash": issued.keyed_hash.digest,
        "acr": proof.acr,
        "amr": list(proof.amr),
        "cut_off_number": number,
        "address": proof.address[:MAX_ADDRESS_CHARACTERS],
        "user_agent": proof.user_agent.replace("\x00", "\ufffd")[:MAX_USER_AGENT_CHARACTERS],
        "now": float(now),
        "lifetime": float(tenant.sign_in.lifetime_seconds),
    }
    return issued.text if database.execute(BEGIN_SQL, values) else None


def find(tenant: TenantSnapshot, text: str, *, now: float) -> SignInRecord | None:
    """Find the person whose cookie this is; None for anything that is not alive."""
    credential = parse_credential(CredentialKind.SIGN_IN, text)
    if credential is None:
        return None
    parameters = {
        "id": credential.row_id,
        "tenant_id": tenant.id,
        "now": float(now),
        "idle": float(tenant.sign_in.idle_lifetime_seconds),
    }
    rows = database.execute(FIND_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    pepper_id, secret_hash, death, *facts = rows[0]
    if death or not is_secret(credential.secret, KeyedHash(pepper_id, secret_hash)):
        return None
    subject_id, profile_id, proven_at, acr, amr, number, last_used_at, name = facts
    if now - last_used_at > TOUCH_SECONDS:
        touched = {"id": credential.row_id, "now": float(now)}
        database.execute(TOUCH_SQL, touched, is_repeatable=True)
    authentication = Authentication(credential.row_id, int(proven_at), acr, tuple(amr))
    return SignInRecord(
        credential.row_id, subject_id, profile_id, authentication, number, name, proven_at
    )


def prove_again(
    tenant: TenantSnapshot, sign_in_id: UUID, proof: Proof, *, number: int, now: float
) -> str | None:
    """Note that the same person has proven anew who they are; answer the new cookie's text.

    From now on the new proof counts, and who vouches for it. None where they were signed out
    meanwhile. `number` is the cut-off number that was held before the sign-in was found alive.
    """
    issued = make_credential(CredentialKind.SIGN_IN, sign_in_id)
    values = {
        "id": sign_in_id,
        "tenant_id": tenant.id,
        "acr": proof.acr,
        "amr": list(proof.amr),
        "trust_profile_id": proof.trust_profile_id,
        "cut_off_number": number,
        "pepper_id": issued.keyed_hash.pepper_id,
        "secret_hash": issued.keyed_hash.digest,
        "now": float(now),
    }
    return issued.text if database.execute(PROVE_SQL, values) else None
