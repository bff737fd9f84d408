"""Finds whose password is asked for, and who may be sent mail; each function is one statement."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from django.db import connection

from tenants.models import Passkey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    Value: TypeAlias = UUID | str | list[str]

MAX_IDENTIFIER_CHARACTERS: Final = 255
# Four times what a password may have: no letter is composed of more.
MAX_COMPOSED_CHARACTERS: Final = 2_048
# A verified address wins over the same one that somebody else only claims.
FIND_SQL: Final = """
SELECT s.id, p.password_hash,
  CASE WHEN s.external_id = %(identifier)s THEN 2 WHEN s.is_email_verified THEN 1 ELSE 0 END AS rank
FROM tenants_subject s JOIN tenants_subjectpassword p ON p.subject_id = s.id
WHERE s.tenant_id = %(tenant_id)s AND s.is_enabled AND s.erased_at IS NULL
  AND (s.external_id = %(identifier)s OR s.email = ANY (%(emails)s))
ORDER BY rank DESC LIMIT 2"""
VERIFIED_SQL: Final = """
SELECT s.id, s.email FROM tenants_subject s
WHERE s.tenant_id = %(tenant_id)s AND s.is_enabled AND s.erased_at IS NULL
  AND s.is_email_verified AND s.email = ANY (%(emails)s)
LIMIT 2"""
ADDRESS_SQL: Final = """
SELECT s.id, s.email FROM tenants_subject s
WHERE s.tenant_id = %(tenant_id)s AND s.id = %(subject_id)s AND s.is_enabled AND s.email <> ''"""
TAKEN_SQL: Final = """
SELECT EXISTS (SELECT 1 FROM tenants_subject s WHERE s.tenant_id = %(tenant_id)s
  AND s.is_email_verified AND s.email = ANY (%(emails)s))"""
IS_SET_SQL: Final = """
SELECT EXISTS (SELECT 1 FROM tenants_subjectpassword p
  WHERE p.tenant_id = %(tenant_id)s AND p.subject_id = %(subject_id)s)"""


class StoredPassword(NamedTuple):
    """The password of a subject, as argon2id hash."""

    subject_id: UUID
    password_hash: str


class Recipient(NamedTuple):
    """A subject and the address at which they can be reached."""

    subject_id: UUID
    email: str


def find_password(tenant_id: UUID, identifier: str) -> StoredPassword | None:
    """Find the one enabled subject whom a person means by e-mail address or external id.

    None where there is none, where they have no password, and where two could be meant.
    """
    if not _can_be_stored(identifier):
        return None
    rows = _read(FIND_SQL, {**_spellings(tenant_id, identifier), "identifier": identifier})
    if not rows or (len(rows) > 1 and rows[0][2] == rows[1][2]):
        return None
    return StoredPassword(rows[0][0], rows[0][1])


def find_passkey(tenant_id: UUID, credential_id: bytes) -> Passkey | None:
    """Find the passkey of an enabled subject by the id that its authenticator gave it."""
    rows = Passkey.objects.filter(tenant_id=tenant_id, credential_id=credential_id)
    return rows.filter(subject__is_enabled=True, subject__erased_at=None).first()


def find_recipient(tenant_id: UUID, email: str) -> Recipient | None:
    """Find the one enabled subject who has this verified e-mail address."""
    if not _can_be_stored(email):
        return None
    rows = _read(VERIFIED_SQL, _spellings(tenant_id, email))
    return Recipient(*rows[0]) if len(rows) == 1 else None


def find_address(tenant_id: UUID, subject_id: UUID) -> Recipient | None:
    """Find the e-mail address of an enabled subject, even one that is not verified yet."""
    rows = _read(ADDRESS_SQL, {"tenant_id": tenant_id, "subject_id": subject_id})
    return Recipient(*rows[0]) if rows else None


def is_email_taken(tenant_id: UUID, email: str) -> bool:
    """Say whether a subject, even a disabled one, has this verified e-mail address."""
    return bool(_read(TAKEN_SQL, _spellings(tenant_id, email))[0][0])


def has_password(tenant_id: UUID, subject_id: UUID) -> bool:
    """Say whether a subject can sign in with a password."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "subject_id": subject_id}
    return bool(_read(IS_SET_SQL, values)[0][0])


def normalise_password(text: str) -> str:
    """Write a password as it is hashed, however its device composes letters and spaces.

    What is too long in any case stays as it is: a heap of accents takes long to sort.

    Source: RFC 8265 section 4.2.2 (OpaqueString).
    """
    if len(text) > MAX_COMPOSED_CHARACTERS:
        return text
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    return unicodedata.normalize("NFC", spaced)


def _spellings(tenant_id: UUID, email: str) -> dict[str, Value]:
    """An address is found as it was typed, and in lower case, as sign-up writes it."""
    return {"tenant_id": tenant_id, "emails": [email, email.lower()]}


def _can_be_stored(text: str) -> bool:
    if not text or len(text) > MAX_IDENTIFIER_CHARACTERS or "\x00" in text:
        return False
    return not any(unicodedata.category(character) == "Cs" for character in text)


def _read(sql: str, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
