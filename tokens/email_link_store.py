"""Keeps the links that are sent by mail: each works once, within minutes, in one browser.

The secret stands in the mail only, its keyed hash in the row.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenants.credentials import CredentialKind, is_secret, make_credential, parse_credential
from tenants.records import KeyedHash
from tokens import database
from tokens.liveness import LINK_DEATH, NOW
from tokens.models import EmailLink

if TYPE_CHECKING:
    from uuid import UUID

Purpose = EmailLink.Purpose
ANY_BROWSER: Final = bytes(32)  # What an operator had sent is followed wherever it is read.
# A task that runs again, as it may, sends another secret; what was used stays used.
STORE_SQL: Final = """
INSERT INTO tokens_emaillink AS link (id, tenant_id, subject_id, purpose, email, pepper_id,
  secret_hash, browser_hash, sealed_request, cut_off_number, created_at, expires_at)
SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(subject_id)b::uuid, %(purpose)s, %(email)s,
  %(pepper_id)s, %(secret_hash)b::bytea, %(browser_hash)b::bytea, %(sealed_request)s,
  %(cut_off_number)b::bigint, moment, moment + make_interval(secs => %(lifetime)b::float8)
FROM to_timestamp(%(now)b::float8) moment
ON CONFLICT (id) DO UPDATE SET pepper_id = excluded.pepper_id, secret_hash = excluded.secret_hash
WHERE link.used_at IS NULL
RETURNING id"""
FIND_SQL: Final = f"""
SELECT link.pepper_id, link.secret_hash, {LINK_DEATH}, link.purpose, link.subject_id, link.email,
  link.browser_hash, link.sealed_request
FROM tokens_emaillink link LEFT JOIN tenants_subject subject ON subject.id = link.subject_id
WHERE link.id = %(id)b AND link.tenant_id = %(tenant_id)b
"""  # noqa: S608 - fixed texts.
USE_SQL: Final = f"""
UPDATE tokens_emaillink SET used_at = {NOW}
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND used_at IS NULL RETURNING id
"""  # noqa: S608 - fixed texts.


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be sent; for a new account it has no subject."""

    id: UUID
    tenant_id: UUID
    subject_id: UUID | None
    purpose: str
    email: str
    browser_hash: bytes
    sealed_request: str
    cut_off_number: int
    lifetime_seconds: int


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link that is alive and whose secret was presented."""

    id: UUID
    tenant_id: UUID
    subject_id: UUID | None
    purpose: str
    email: str
    sealed_request: str
    browser_hash: bytes = field(repr=False)

    def is_followed_by(self, browser: str) -> bool:
        """Say whether this browser asked for the link, or any may follow it."""
        if self.browser_hash == ANY_BROWSER:
            return True
        return hmac.compare_digest(self.browser_hash, hash_browser(browser))


def hash_browser(browser: str) -> bytes:
    """Name a browser without its secret, of which 256 bits are random."""
    return hashlib.sha256(browser.encode()).digest()


def store(link: NewLink, *, now: float) -> str | None:
    """Store a link and answer the text of its secret; None if it was used meanwhile."""
    issued = make_credential(CredentialKind.EMAIL_LINK, link.id)
    values = {
        "id": link.id,
        "tenant_id": link.tenant_id,
        "subject_id": link.subject_id,
        "purpose": link.purpose,
        "email": link.email,
        "pepper_id": issued.keyed_hash.pepper_id,
        "secret_hash": issued.keyed_hash.digest,
        "browser_hash": link.browser_hash,
        "sealed_request": link.sealed_request,
        "cut_off_number": link.cut_off_number,
        "now": float(now),
        "lifetime": float(link.lifetime_seconds),
    }
    return issued.text if database.execute(STORE_SQL, values) else None


def find(tenant_id: UUID, text: str, *, now: float) -> FoundLink | None:
    """Find the link of which this is the secret; None for anything that is not alive."""
    credential = parse_credential(CredentialKind.EMAIL_LINK, text)
    if credential is None:
        return None
    values = {"id": credential.row_id, "tenant_id": tenant_id, "now": float(now)}
    rows = database.execute(FIND_SQL, values, is_repeatable=True)
    if not rows:
        return None
    pepper_id, secret_hash, death, *facts = rows[0]
    if death or not is_secret(credential.secret, KeyedHash(pepper_id, secret_hash)):
        return None
    purpose, subject_id, email, browser_hash, sealed = facts
    browser = bytes(browser_hash)
    return FoundLink(credential.row_id, tenant_id, subject_id, purpose, email, sealed, browser)


def use(link: FoundLink, *, now: float) -> bool:
    """Use a link up; False where somebody was faster."""
    values = {"id": link.id, "tenant_id": link.tenant_id, "now": float(now)}
    return bool(database.execute(USE_SQL, values))
