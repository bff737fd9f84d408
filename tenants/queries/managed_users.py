"""Reads subjects and groups as the management API shows them, by a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.models import Group, Subject
from tenants.queries.managed import Managed

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class ManagedSubjectFilter:
    """Which subjects a list shows; an absent value shows them all."""

    external_id: str = ""
    email: str = ""
    is_enabled: bool | None = None


# Four statements, for one subject and for a page.
SUBJECTS: Final = Managed(
    Subject,
    lambda rows: rows.select_related("tenant").prefetch_related(
        "groups", "identities__trust_profile"
    ),
    order="pk",
)
GROUPS: Final = Managed(Group, lambda rows: rows.select_related("tenant"))


def list_subjects(
    tenant_id: UUID, wanted: ManagedSubjectFilter, *, after: UUID | None, limit: int
) -> list[Subject]:
    """List at most `limit` subjects behind the id `after`."""
    return SUBJECTS.page(
        tenant_id,
        after=after,
        limit=limit,
        external_id=wanted.external_id,
        email=wanted.email,
        is_enabled=wanted.is_enabled,
    )


def list_members(group: Group, *, after: UUID | None, limit: int) -> list[UUID]:
    """List the ids of at most `limit` members behind the id `after`; one statement."""
    members = group.subjects.order_by("pk")
    if after:
        members = members.filter(pk__gt=after)
    return list(members.values_list("pk", flat=True)[:limit])
