"""Changes groups of end users; who joins or leaves stands in the audit by UUID only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from tenants import audit
from tenants.errors import NotFound
from tenants.models import Group, Subject
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from tenants.records import Actor


def save_group(
    group: Group, *, actor: Actor, reason: str = "", links: changes.Links | None = None
) -> Group:
    """Create or update a group; an event for each member that comes or goes follows its own."""
    with transaction.atomic():
        audit.lock_chain(group.tenant_id)
        before = _member_ids(group)
        changes.save(group, actor=actor, reason=reason, links=links)
        _record_moves(group, before, _member_ids(group), actor=actor)
    return group


def add_member(group: Group, subject_id: UUID, *, actor: Actor) -> bool:
    """Put a user into a group; False where they were in it already.

    Raises:
        NotFound: the tenant has no such user.
    """
    with transaction.atomic():
        audit.lock_chain(group.tenant_id)
        subject = Subject.objects.filter(tenant=group.tenant_id, pk=subject_id).first()
        if subject is None or subject.erased_at is not None:
            raise NotFound("no such user")
        if group.subjects.filter(pk=subject_id).exists():
            return False
        group.subjects.add(subject)
        _record_moves(group, set(), {subject_id}, actor=actor)
    return True


def remove_member(group: Group, subject_id: UUID, *, actor: Actor) -> None:
    """Take a user out of a group.

    Raises:
        NotFound: they are not in it.
    """
    with transaction.atomic():
        audit.lock_chain(group.tenant_id)
        member = group.subjects.filter(pk=subject_id).first()
        if member is None:
            raise NotFound("no such member")
        group.subjects.remove(member)
        _record_moves(group, {subject_id}, set(), actor=actor)


def _member_ids(group: Group) -> set[UUID]:
    if group._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
        return set()
    return set(group.subjects.values_list("pk", flat=True))


def _record_moves(
    group: Group, before: Collection[UUID], after: Collection[UUID], *, actor: Actor
) -> None:
    """Append an event for the group and, behind it, one for each member that came or went."""
    moves = [(member, "group.member_added") for member in sorted(set(after) - set(before))]
    moves += [(member, "group.member_removed") for member in sorted(set(before) - set(after))]
    if moves:
        _record(group, "group.members_changed", "group", group.pk, actor)
    for member, event in moves:
        _record(group, event, "subject", member, actor)


def _record(group: Group, event: str, kind: str, entity_id: UUID, actor: Actor) -> None:
    audit.record_event(
        tenant_id=group.tenant_id,
        event=event,
        actor=actor,
        entity_kind=kind,
        entity_id=str(entity_id),
    )
