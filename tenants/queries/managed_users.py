"""Reads subjects and groups as the management API shows them, by a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.errors import NotFound
from tenants.models import Group, Subject

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class ManagedSubjectFilter:
    """Which subjects a list shows; an absent value shows them all."""

    external_id: str = ""
    email: str = ""
    is_enabled: bool | None = None


def list_subjects(
    tenant_id: UUID, wanted: ManagedSubjectFilter, *, after: UUID | None, limit: int
) -> list[Subject]:
    """List at most `limit` subjects behind the id `after`; four statements."""
    subjects = _subjects(tenant_id)
    if after:
        subjects = subjects.filter(pk__gt=after)
    if wanted.external_id:
        subjects = subjects.filter(external_id=wanted.external_id)
    if wanted.email:
        subjects = subjects.filter(email=wanted.email)
    if wanted.is_enabled is not None:
        subjects = subjects.filter(is_enabled=wanted.is_enabled)
    return list(subjects.order_by("pk")[:limit])


def get_subject(tenant_id: UUID, subject_id: UUID) -> Subject:
    """Answer one subject; four statements.

    Raises:
        NotFound: there is none in this tenant.
    """
    subject = _subjects(tenant_id).filter(pk=subject_id).first()
    if subject is None:
        raise NotFound("no such subject")
    return subject


def list_groups(tenant_id: UUID, *, after: str, limit: int) -> list[Group]:
    """List at most `limit` groups behind the slug `after`; one statement."""
    groups = Group.objects.filter(tenant=tenant_id)
    if after:
        groups = groups.filter(slug__gt=after)
    return list(groups.order_by("slug")[:limit])


def get_group(tenant_id: UUID, group_id: UUID) -> Group:
    """Answer one group; one statement.

    Raises:
        NotFound: there is none in this tenant.
    """
    group = Group.objects.filter(tenant=tenant_id, pk=group_id).select_related("tenant").first()
    if group is None:
        raise NotFound("no such group")
    return group


def list_members(group: Group, *, after: UUID | None, limit: int) -> list[UUID]:
    """List the ids of at most `limit` members behind the id `after`; one statement."""
    members = group.subjects.order_by("pk")
    if after:
        members = members.filter(pk__gt=after)
    return list(members.values_list("pk", flat=True)[:limit])


def _subjects(tenant_id: UUID) -> QuerySet[Subject]:
    subjects = Subject.objects.filter(tenant=tenant_id).select_related("tenant")
    return subjects.prefetch_related("groups", "identities__trust_profile")
