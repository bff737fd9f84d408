"""Creates, links, disables and finds end users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.utils import timezone

from tenants import audit
from tenants.errors import QuotaUsedUp
from tenants.models import Subject, SubjectIdentity
from tenants.queries.subject_credentials import is_email_taken
from tenants.services import changes

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from tenants.records import Actor, TrustMatch

DAY_SECONDS: Final = 86_400
CREATE: Final = "create"
# The row of a profile is counted on, and begun anew with each day: it never needs to be purged.
TAKE_SQL: Final = """
INSERT INTO tenants_subjectquota AS quota (tenant_id, trust_profile_id, day, count)
VALUES (%(tenant_id)s, %(trust_profile_id)s, %(day)s, 1)
ON CONFLICT (trust_profile_id) DO UPDATE
SET day = excluded.day, count = CASE WHEN quota.day = excluded.day THEN quota.count + 1 ELSE 1 END
WHERE quota.day <> excluded.day OR quota.count < %(limit)s
RETURNING count"""


@dataclass(frozen=True, slots=True)
class FirstFacts:
    """What an outside issuer says of a subject that is made for it."""

    name: str = ""
    email: str = ""
    is_email_verified: bool = False


UNKNOWN: Final = FirstFacts()


def provision_subject(
    tenant_id: UUID, match: TrustMatch, *, actor: Actor, facts: FirstFacts = UNKNOWN
) -> Subject | None:
    """Link or create the subject that a trust profile names for the first time; idempotent.

    None where the profile does neither. A subject that is made begins with the facts. The lock on
    the tenant's chain lets one request at a time find out whether it is the first.

    Raises:
        QuotaUsedUp: the profile has brought enough subjects into being today.
    """
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        known = SubjectIdentity.objects.filter(
            tenant_id=tenant_id, trust_profile_id=match.profile_id, sub=match.subject
        )
        identity = known.select_related("subject").first()
        if identity is not None:
            return identity.subject
        subject = find_linkable(tenant_id, match)
        if subject is not None:
            _record_link(subject, match, actor)
        elif match.provisioning == CREATE:
            _take_quota(tenant_id, match)
            subject = _make_subject(tenant_id, facts)
            changes.save(subject, actor=actor, event="subject.provisioned")
        else:
            return None
        SubjectIdentity.objects.create(
            tenant_id=tenant_id,
            subject=subject,
            trust_profile_id=match.profile_id,
            sub=match.subject,
        )
        return subject


def _make_subject(tenant_id: UUID, facts: FirstFacts) -> Subject:
    """Make a subject; an address that somebody else has proven to have is not told of it again."""
    subject = Subject(tenant_id=tenant_id, name=facts.name)
    if facts.email and not is_email_taken(tenant_id, facts.email):
        subject.email, subject.is_email_verified = facts.email, facts.is_email_verified
    return subject


def find_linkable(tenant_id: UUID, match: TrustMatch) -> Subject | None:
    """Find the one subject of the tenant whose verified e-mail the issuer has verified as well.

    None where several have it, and where the profile knows the subject by another name already: an
    address that its issuer gave to somebody else must not bring along what its last owner had. The
    subject's own address must be verified, or anybody could lie in wait with that of another.
    """
    if not match.linking_email:
        return None
    found = Subject.objects.filter(
        tenant_id=tenant_id, email=match.linking_email, is_enabled=True, erased_at=None
    )
    subjects = list(found.order_by()[:2])
    if len(subjects) != 1 or not subjects[0].is_email_verified:
        return None
    linked = SubjectIdentity.objects.filter(
        tenant_id=tenant_id, trust_profile_id=match.profile_id, subject=subjects[0]
    )
    return None if linked.exists() else subjects[0]


def save_subject(subject: Subject, *, actor: Actor, reason: str = "") -> Subject:
    """Create or update a subject; disabling it ends its sessions and tokens."""
    changes.save(subject, actor=actor, reason=reason)
    return subject


def _record_link(subject: Subject, match: TrustMatch, actor: Actor) -> None:
    audit.record_event(
        tenant_id=subject.tenant_id,
        event="subject.linked",
        actor=actor,
        entity_kind="subject",
        entity_id=str(subject.pk),
        reason=f"by the e-mail that trust profile {match.profile_id} has verified",
    )


def _take_quota(tenant_id: UUID, match: TrustMatch) -> None:
    now = timezone.now()
    parameters: dict[str, UUID | date | int] = {
        "tenant_id": tenant_id,
        "trust_profile_id": match.profile_id,
        "day": now.date(),
        "limit": match.max_subjects_per_day,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SQL, parameters)
        is_left = cursor.fetchone() is not None
    if not is_left:
        left_today = DAY_SECONDS - int(now.timestamp()) % DAY_SECONDS
        text = "The trust profile has created enough subjects for today."
        raise QuotaUsedUp(text, retry_after_seconds=left_today)
