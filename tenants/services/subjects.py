"""Creates, disables and finds end users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from tenants.errors import NotFound
from tenants.models import Subject, SubjectIdentity
from tenants.services import changes

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Actor, TrustMatch


def provision_subject(tenant_id: UUID, match: TrustMatch, *, actor: Actor) -> Subject:
    """Create the subject that a trust profile names for the first time; idempotent.

    Raises:
        NotFound: two requests raced and the winner's subject has vanished since.
    """
    try:
        with transaction.atomic():
            subject = Subject(tenant_id=tenant_id)
            changes.save(subject, actor=actor, event="subject.provisioned")
            SubjectIdentity.objects.create(
                tenant_id=tenant_id,
                subject=subject,
                trust_profile_id=match.profile_id,
                sub=match.subject,
            )
            return subject
    except IntegrityError:
        identity = SubjectIdentity.objects.filter(
            tenant_id=tenant_id, trust_profile_id=match.profile_id, sub=match.subject
        ).first()
        if identity is None:
            raise NotFound("The subject does not exist any more.") from None
        return identity.subject


def save_subject(subject: Subject, *, actor: Actor, reason: str = "") -> Subject:
    """Create or update a subject; disabling it ends its sessions and tokens."""
    changes.save(subject, actor=actor, reason=reason)
    return subject
