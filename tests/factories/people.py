"""Makes people who can sign in, through the real services."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tenants.credentials import hash_typed_secret
from tenants.models import Subject, SubjectPassword
from tenants.records import SYSTEM
from tenants.services import changes
from tests.browser_person import PASSWORD

if TYPE_CHECKING:
    from tenants.models import Tenant


def make_subject(tenant: Tenant, email: str = "ana@example.org", **fields: Any) -> Subject:
    """Make a person with a verified e-mail address and no password."""
    fields.setdefault("name", "Ana Silva")
    fields.setdefault("is_email_verified", bool(email))
    subject = Subject(tenant=tenant, email=email, **fields)
    changes.save(subject, actor=SYSTEM)
    return subject


def make_subject_with_password(
    tenant: Tenant, email: str = "ana@example.org", **fields: Any
) -> Subject:
    """Make a person who signs in by `browser_person.PASSWORD`."""
    subject = make_subject(tenant, email, **fields)
    password = SubjectPassword(
        tenant=tenant,
        subject=subject,
        password_hash=_hash_once(PASSWORD),
        changed_at=timezone.now(),
    )
    changes.save(password, actor=SYSTEM)
    return subject


@cache
def _hash_once(password: str) -> str:
    """Hash slowly only once for all tests of a process."""
    return hash_typed_secret(password)
