"""Reads what a person is shown of themselves; each function is one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef

from tenants.models import Passkey, Subject, SubjectIdentity, SubjectPassword

if TYPE_CHECKING:
    from uuid import UUID

MAX_LINKED: Final = 50


@dataclass(frozen=True, slots=True)
class Person:
    """What a tenant knows of a person, as they may read it."""

    name: str
    email: str
    is_email_verified: bool
    external_id: str
    has_password: bool


def find_person(tenant_id: UUID, subject_id: UUID) -> Person | None:
    """Find a person who is enabled."""
    password = SubjectPassword.objects.filter(tenant_id=tenant_id, subject_id=OuterRef("pk"))
    rows = Subject.objects.filter(tenant_id=tenant_id, pk=subject_id, is_enabled=True)
    found = rows.annotate(has_password=Exists(password)).values_list(
        "name", "email", "is_email_verified", "external_id", "has_password"
    )
    for name, email, is_verified, external_id, has_password in found:
        return Person(name, email, is_verified, external_id or "", has_password)
    return None


def find_password_hash(tenant_id: UUID, subject_id: UUID) -> str:
    """Find the argon2id hash of a person's password; empty where they have none."""
    rows = SubjectPassword.objects.filter(tenant_id=tenant_id, subject_id=subject_id)
    return rows.values_list("password_hash", flat=True).first() or ""


def list_passkeys(tenant_id: UUID, subject_id: UUID) -> list[Passkey]:
    """List a person's passkeys, the oldest first."""
    rows = Passkey.objects.filter(tenant_id=tenant_id, subject_id=subject_id)
    return list(rows.order_by("created_at", "pk")[:MAX_LINKED])


def find_passkey(tenant_id: UUID, subject_id: UUID, passkey_id: UUID) -> Passkey | None:
    """Find one of a person's passkeys."""
    rows = Passkey.objects.filter(tenant_id=tenant_id, subject_id=subject_id)
    return rows.filter(pk=passkey_id).first()


def list_identities(tenant_id: UUID, subject_id: UUID) -> list[SubjectIdentity]:
    """List by which outside issuers a person is known, with their trust profiles."""
    rows = SubjectIdentity.objects.filter(tenant_id=tenant_id, subject_id=subject_id)
    return list(rows.select_related("trust_profile").order_by("created_at", "pk")[:MAX_LINKED])
