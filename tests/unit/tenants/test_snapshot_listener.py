"""Tests of the listener: a real thread, real commits, and what happens when it is deaf."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import connection, connections

from tenants import snapshot, snapshot_listener
from tenants.records import SYSTEM
from tenants.services import announcements, cut_offs
from tenants.services.clients import save_client
from tenants.snapshot import Snapshot
from tests.factories.tenants import make_api, make_client, make_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def held() -> Iterator[Snapshot]:
    """A snapshot that a real listener keeps."""
    held = Snapshot()
    stopping = threading.Event()
    thread = snapshot_listener.start(held, stopping=stopping)
    assert _within(5, lambda: _is_confirmed(held))
    yield held
    stopping.set()
    thread.join(timeout=5)
    assert not thread.is_alive()


def _is_confirmed(held: Snapshot) -> bool:
    return held._confirmation is not snapshot.NEVER  # noqa: SLF001 - there is no other way to see it.


def _within(seconds: float, is_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_true():
            return True
        time.sleep(0.005)
    return False


def _apis(held: Snapshot, tenant: Tenant) -> set[str]:
    core = held.tenant(tenant.path)
    assert core is not None
    return set(core.apis_by_slug)


def test_a_change_is_seen_at_once(held: Snapshot) -> None:
    tenant = make_tenant()
    assert "orders" not in _apis(held, tenant)
    make_api(tenant)
    assert _within(0.5, lambda: "orders" in _apis(held, tenant))


def test_a_change_of_a_client_is_seen_at_once(held: Snapshot) -> None:
    tenant = make_tenant()
    made = make_client(tenant)
    core = held.tenant(tenant.path)
    assert core is not None

    def is_enabled() -> bool:
        client = held.client(core, made.client_id)
        return client is not None and client.is_enabled

    assert is_enabled()
    made.client.is_enabled = False
    save_client(made.client, actor=SYSTEM)
    assert _within(0.5, lambda: not is_enabled())


def test_a_cut_off_is_seen_at_once(held: Snapshot) -> None:
    tenant = make_tenant()
    number = cut_offs.end(tenant.pk, actor=SYSTEM).number
    assert _within(0.5, lambda: held.confirm() == number)


def test_a_lost_notification_delays_a_change_by_a_second(
    held: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()
    _apis(held, tenant)
    # Whoever writes announces on a channel to which nobody listens.
    monkeypatch.setattr(announcements, "CHANNEL", "nobody_listens_here")
    make_api(tenant)
    assert _within(1.5, lambda: "orders" in _apis(held, tenant))


def test_a_lost_connection_is_replaced_and_nothing_cached_survives(held: Snapshot) -> None:
    tenant = make_tenant()
    core = held.tenant(tenant.path)
    assert _end_listeners() == 1
    assert _within(2, lambda: held.tenant(tenant.path) is not core)
    assert _within(2, lambda: _count_listeners() == 1)
    make_api(tenant)
    assert _within(1, lambda: "orders" in _apis(held, tenant))


def _end_listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _count_listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_the_listener_survives_what_nobody_foresaw(
    held: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant()

    def fail_once() -> int:
        monkeypatch.setattr(held, "renew", Snapshot.renew.__get__(held))
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(held, "renew", fail_once)
    make_api(tenant)
    assert _within(3, lambda: "orders" in _apis(held, tenant))


def test_its_session_listens_under_the_process_s_own_role() -> None:
    with snapshot_listener.connect() as listening:
        row = listening.execute("SELECT current_user").fetchone()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == row
    assert isinstance(listening, psycopg.Connection)
    connections.close_all()
