"""Tests of the audit chain: nothing in it can be changed, dropped or inserted unnoticed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from tenants import audit
from tenants.models import AuditDetail, AuditEvent
from tenants.records import SYSTEM, Actor
from tests.factories.tenants import make_client, make_tenant

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db

OPERATOR = Actor("operator", id="7", label="Ada", address="192.0.2.9")


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def _record(tenant_id: UUID | None, event: str = "x.done", reason: str = "") -> AuditEvent:
    return audit.record_event(
        tenant_id=tenant_id,
        event=event,
        actor=OPERATOR,
        entity_kind="x",
        entity_id="1",
        reason=reason,
    )


def test_each_event_is_linked_to_the_one_before(tenant: Tenant) -> None:
    before = AuditEvent.objects.filter(tenant_id=tenant.pk).order_by("-sequence").first()
    assert before is not None
    one, two = _record(tenant.pk), _record(tenant.pk)
    assert (one.sequence, two.sequence) == (before.sequence + 1, before.sequence + 2)
    assert bytes(one.previous_hash) == bytes(before.hash)
    assert bytes(two.previous_hash) == bytes(one.hash)
    assert audit.find_broken_link(tenant.pk) is None


def test_each_tenant_and_the_platform_have_a_chain_of_their_own(tenant: Tenant) -> None:
    _record(None)
    neighbour = make_tenant("initech")
    for tenant_id in (tenant.pk, neighbour.pk, None):
        events = AuditEvent.objects.filter(tenant_id=tenant_id).order_by("sequence")
        assert [event.sequence for event in events] == [*range(1, len(events) + 1)]
        assert bytes(events[0].previous_hash) == audit.NO_HASH
        assert audit.find_broken_link(tenant_id) is None


def test_an_empty_chain_is_whole() -> None:
    assert audit.find_broken_link(uuid4()) is None


TAMPERINGS = {
    "event": {"event": "y.done"},
    "entity": {"entity_id": "2"},
    "kind of entity": {"entity_kind": "y"},
    "actor": {"actor_id": "8"},
    "kind of actor": {"actor_kind": "client"},
    "detail": {"detail_digest": bytes(32)},
    "hash": {"hash": bytes(32)},
    "link": {"previous_hash": bytes(32)},
}


@pytest.mark.parametrize("change", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_changed_event_is_found(tenant: Tenant, change: dict[str, object]) -> None:
    event = _record(tenant.pk)
    _record(tenant.pk)
    AuditEvent.objects.filter(pk=event.pk).update(**change)
    assert audit.find_broken_link(tenant.pk) == event.sequence


def test_a_missing_event_is_found(tenant: Tenant) -> None:
    event = _record(tenant.pk)
    _record(tenant.pk)
    AuditDetail.objects.filter(event=event).delete()
    AuditEvent.objects.filter(pk=event.pk).delete()
    assert audit.find_broken_link(tenant.pk) == event.sequence


def test_the_detail_can_be_erased_and_the_chain_still_holds(tenant: Tenant) -> None:
    event = _record(tenant.pk, reason="the user asked for it")
    detail = AuditDetail.objects.get(event=event)
    assert (detail.address, detail.reason) == ("192.0.2.9", "the user asked for it")
    digest = audit.digest_detail(bytes(detail.salt), detail.address, detail.reason)
    assert digest == bytes(event.detail_digest or b"")
    detail.delete()
    assert audit.find_broken_link(tenant.pk) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(e)::text FROM tenants_auditevent e")
        kept = "".join(row[0] for row in cursor.fetchall())
    assert "192.0.2.9" not in kept
    assert "the user asked" not in kept


def test_two_equal_details_have_different_digests(tenant: Tenant) -> None:
    one, two = (_record(tenant.pk, reason="same") for _ in range(2))
    assert bytes(one.detail_digest or b"") != bytes(two.detail_digest or b"")


def test_a_long_reason_is_cut(tenant: Tenant) -> None:
    event = _record(tenant.pk, reason="x" * 9_000)
    assert len(AuditDetail.objects.get(event=event).reason) == audit.MAX_REASON_LENGTH


def test_an_event_that_is_rolled_back_leaves_no_gap(tenant: Tenant) -> None:
    with transaction.atomic():
        _record(tenant.pk)
        transaction.set_rollback(True)
    _record(tenant.pk)
    assert audit.find_broken_link(tenant.pk) is None


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_writers_at_once_make_one_chain() -> None:
    tenant = make_tenant()
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            make_client(tenant, f"c{number}", is_allowed=False)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below.
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert audit.find_broken_link(tenant.pk) is None
    made = AuditEvent.objects.filter(tenant_id=tenant.pk, event="client.created")
    assert made.count() == 8


def test_the_system_is_an_actor_as_well(tenant: Tenant) -> None:
    event = audit.record_event(tenant_id=tenant.pk, event="x.done", actor=SYSTEM)
    assert event.actor_kind == "system"
