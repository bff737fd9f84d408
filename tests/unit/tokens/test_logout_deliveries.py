"""Deliveries are bounded, fair, tried again and given up; nobody's crash loses one."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.utils import timezone

from tenants.models import AuditEvent, Client
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tests.relying_server import RelyingServer, serve_relying_party
from tests.signed_in import tell_at
from tokens import database, logout_deliveries, purge, tasks
from tokens.logout_deliveries import MAX_ATTEMPTS, PAUSES_SECONDS, deliver_due, deliver_of
from tokens.models import LogoutDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db

Status = LogoutDelivery.Status


@pytest.fixture
def server(settings: Settings) -> Iterator[RelyingServer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_relying_party()


@pytest.fixture
def party(server: RelyingServer) -> RelyingParty:
    return make_told(make_tenant(), server.address)


def make_told(tenant: Tenant, address: str, name: str = "web-app") -> RelyingParty:
    party = make_party(tenant, name)
    tell_at(party.made.client.pk, address)
    return party


def make_delivery(party: RelyingParty, **fields: Any) -> LogoutDelivery:  # noqa: ANN401 - its own.
    now = timezone.now()
    values = {
        "tenant": party.tenant,
        "client": party.made.client,
        "subject": party.subject,
        "sign_in_id": uuid.uuid4(),
        "created_at": now,
        "next_attempt_at": now,
        "expires_at": now + timedelta(days=7),
    }
    return LogoutDelivery.objects.create(**(values | fields))


def make_due() -> None:
    LogoutDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_it_is_tried_for_an_hour_and_then_given_up(
    party: RelyingParty, server: RelyingServer
) -> None:
    server.status = 500
    row = make_delivery(party)
    pauses = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        began = time.time()
        assert deliver_due(max_batches=3) == 1
        row.refresh_from_db()
        assert (row.attempts, row.last_error) == (attempt, "status 500")
        pauses.append(round(row.next_attempt_at.timestamp() - began))
        assert row.status == (Status.GIVEN_UP if attempt == MAX_ATTEMPTS else Status.PENDING)
        make_due()
    assert pauses == [*PAUSES_SECONDS]
    assert sum(PAUSES_SECONDS[:-1]) == 3_600
    assert deliver_due(max_batches=3) == 0
    assert len(server.told) == MAX_ATTEMPTS


def test_what_is_not_due_waits(party: RelyingParty, server: RelyingServer) -> None:
    row = make_delivery(party, next_attempt_at=timezone.now() + timedelta(seconds=30))
    assert (deliver_due(max_batches=3), deliver_of([row.sign_in_id])) == (0, 0)
    assert server.told == []


def test_attempt_whose_worker_died_is_made_again(
    party: RelyingParty, server: RelyingServer
) -> None:
    row = make_delivery(party)
    values = {"rows": 10, "now": time.time()}
    assert len(database.execute(logout_deliveries.CLAIM_DUE_SQL, values)) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.PENDING, 1)
    assert deliver_due(max_batches=1) == 0
    make_due()
    assert deliver_due(max_batches=1) == 1
    assert len(server.told) == 1


def test_slow_client_holds_up_nobody(party: RelyingParty, server: RelyingServer) -> None:
    server.delay_seconds = 0.3
    for _ in range(8):
        make_delivery(party)
    began = time.monotonic()
    assert deliver_due(max_batches=1) == 8
    assert time.monotonic() - began < 8 * 0.3
    assert len(server.told) == 8


def test_client_that_does_not_answer_in_time_is_tried_later(
    party: RelyingParty, server: RelyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout_deliveries, "TIMEOUT_SECONDS", 0.1)
    server.delay_seconds = 0.5
    row = make_delivery(party)
    assert deliver_due(max_batches=1) == 1
    row.refresh_from_db()
    assert row.status == Status.PENDING
    assert "Timeout" in row.last_error or "too long" in row.last_error


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://10.0.0.1/logout", "refused: private_address"),
        ("http://93.184.216.34/logout", "refused: scheme"),
        ("https://user:secret@app.example/logout", "refused: userinfo"),
    ],
)
def test_forbidden_address_is_not_called(
    party: RelyingParty, server: RelyingServer, address: str, problem: str
) -> None:
    tell_at(party.made.client.pk, address)
    row = make_delivery(party)
    deliver_due(max_batches=1)
    row.refresh_from_db()
    assert (row.status, row.last_error) == (Status.PENDING, problem)
    assert server.told == []


def test_each_tenant_has_its_turn(
    party: RelyingParty, server: RelyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout_deliveries, "BATCH_ROWS", 4)
    long_ago = timezone.now() - timedelta(hours=1)
    for _ in range(9):
        make_delivery(party, next_attempt_at=long_ago)
    other = make_delivery(make_told(make_tenant("initech"), server.address))
    assert deliver_due(max_batches=1) == 4
    other.refresh_from_db()
    assert other.status == Status.DELIVERED
    assert deliver_due(max_batches=1) == 4
    assert deliver_due(max_batches=9) == 2


@pytest.mark.parametrize("change", ["deleted", "disabled", "silent", "tenant disabled"])
def test_client_that_takes_none_any_more_is_given_up(
    party: RelyingParty, server: RelyingServer, change: str
) -> None:
    row, client = make_delivery(party), Client.objects.get(pk=party.made.client.pk)
    tenant = client.tenant
    if change == "deleted":
        changes.delete(client, actor=SYSTEM)
    elif change == "tenant disabled":
        tenant.is_enabled = False
        changes.save(tenant, actor=SYSTEM)
    elif change == "disabled":
        client.is_enabled = False
        changes.save(client, actor=SYSTEM)
    else:
        tell_at(client.pk, "")
    assert deliver_due(max_batches=1) == 1
    row.refresh_from_db()
    assert (row.status, row.last_error) == (Status.GIVEN_UP, logout_deliveries.GONE)
    assert server.told == []


def test_it_is_tried_again_from_the_beginning(party: RelyingParty) -> None:
    row = make_delivery(party, status=Status.GIVEN_UP, attempts=5, last_error="status 500")
    found = logout_deliveries.try_again(party.tenant.pk, row.pk, actor=SYSTEM)
    assert found == row.sign_in_id
    event = AuditEvent.objects.get(event="logout_delivery.retried")
    assert (event.entity_id, event.tenant_id) == (str(row.pk), party.tenant.pk)
    assert deliver_of([row.sign_in_id]) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts, row.last_error) == (Status.DELIVERED, 1, "")
    assert logout_deliveries.try_again(party.tenant.pk, row.pk, actor=SYSTEM) is None


def test_foreign_tenant_has_nothing_to_try_again(party: RelyingParty) -> None:
    row = make_delivery(party, status=Status.GIVEN_UP)
    foreign = make_tenant("initech").pk
    assert logout_deliveries.try_again(foreign, row.pk, actor=SYSTEM) is None
    row.refresh_from_db()
    assert row.status == Status.GIVEN_UP


def test_tasks_deliver(party: RelyingParty, server: RelyingServer) -> None:
    first, _ = make_delivery(party), make_delivery(party)
    tasks.deliver_logouts([str(first.sign_in_id)])
    assert len(server.told) == 1
    tasks.deliver_due_logouts()
    assert len(server.told) == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_row_that_another_worker_holds_is_passed_over(
    party: RelyingParty, server: RelyingServer
) -> None:
    held, free = make_delivery(party), make_delivery(party)
    other = connection.copy()
    try:
        other.set_autocommit(autocommit=False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM tokens_logoutdelivery WHERE id = %s FOR UPDATE", [held.pk]
            )
        assert deliver_due(max_batches=1) == 1
    finally:
        other.close()
    assert LogoutDelivery.objects.get(status=Status.DELIVERED) == free
    assert len(server.told) == 1


def test_old_deliveries_are_purged(party: RelyingParty) -> None:
    kept = make_delivery(party)
    make_delivery(party, expires_at=timezone.now() - timedelta(seconds=1))
    rows = purge.purge_expired(timezone.now(), max_batches=2).rows
    assert rows["logout deliveries"] == 1
    assert LogoutDelivery.objects.get() == kept


@pytest.mark.parametrize(
    "sql", [logout_deliveries.CLAIM_DUE_SQL, logout_deliveries.CLAIM_OF_SQL], ids=["due", "of"]
)
def test_rows_are_found_by_an_index(sql: str) -> None:
    values: dict[str, Any] = {"now": 1.0, "rows": 10, "sign_in_ids": [uuid.uuid4()]}
    text = sql.replace(")b", ")s")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {text}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on tokens_logoutdelivery" not in plan, plan
