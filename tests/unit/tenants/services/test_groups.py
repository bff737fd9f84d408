"""Tests of groups: who comes and goes is audited by UUID, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tenants.errors import InvalidEntity, NotFound
from tenants.models import AuditDetail, AuditEvent, Group, Subject
from tenants.records import SYSTEM
from tenants.services import groups
from tests.factories.tenants import make_tenant
from tests.factories.tokens import make_subject

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def staff(tenant: Tenant) -> Group:
    return groups.save_group(Group(tenant=tenant, slug="staff"), actor=SYSTEM)


def moves() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(event__startswith="group.member_").order_by("sequence")
    return [(event.event, event.entity_id) for event in events]


def test_each_move_is_an_event_behind_that_of_the_group(tenant: Tenant, staff: Group) -> None:
    anna, bert, cleo = (
        make_subject(tenant, name=name, email=f"{name}@example.com")
        for name in ("anna", "bert", "cleo")
    )
    groups.save_group(staff, actor=SYSTEM, links={"subjects": [anna, bert]})
    groups.save_group(staff, actor=SYSTEM, links={"subjects": [bert, cleo]})
    added = sorted(("group.member_added", str(s.pk)) for s in (anna, bert))
    changed = [("group.member_added", str(cleo.pk)), ("group.member_removed", str(anna.pk))]
    assert sorted(moves()[:2]) == added
    assert moves()[2:] == changed
    first = AuditEvent.objects.filter(event="group.member_added").order_by("sequence")[0]
    before = AuditEvent.objects.get(tenant_id=tenant.pk, sequence=first.sequence - 1)
    assert (before.event, before.entity_id) == ("group.members_changed", str(staff.pk))
    texts = " ".join(
        (
            *AuditEvent.objects.values_list("entity_id", flat=True),
            *AuditDetail.objects.values_list("reason", flat=True),
        )
    )
    assert "anna" not in texts


def test_a_write_that_moves_nobody_says_nothing_of_members(tenant: Tenant, staff: Group) -> None:
    groups.save_group(staff, actor=SYSTEM, links={"subjects": [make_subject(tenant)]})
    before = moves()
    staff.name = "Staff"
    groups.save_group(staff, actor=SYSTEM)
    assert moves() == before


def test_members_come_and_go_one_by_one(tenant: Tenant, staff: Group) -> None:
    subject = make_subject(tenant)
    assert groups.add_member(staff, subject.pk, actor=SYSTEM)
    assert not groups.add_member(staff, subject.pk, actor=SYSTEM)
    groups.remove_member(staff, subject.pk, actor=SYSTEM)
    with pytest.raises(NotFound):
        groups.remove_member(staff, subject.pk, actor=SYSTEM)
    assert [event for event, _ in moves()] == ["group.member_added", "group.member_removed"]


def test_nobody_of_another_tenant_joins(staff: Group) -> None:
    stranger = make_subject(make_tenant("initech"))
    for subject_id in (stranger.pk, uuid4()):
        with pytest.raises(NotFound):
            groups.add_member(staff, subject_id, actor=SYSTEM)
    with pytest.raises(InvalidEntity):
        groups.save_group(staff, actor=SYSTEM, links={"subjects": [stranger]})
    assert Subject.objects.get().pk == stranger.pk
    assert not staff.subjects.exists()
