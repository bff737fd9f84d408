"""Tests of the last use of secrets: remembered for nothing, written in one statement."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tenants.models import Client
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens import secret_uses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def nothing_pending() -> Iterator[None]:
    secret_uses.forget()
    yield
    secret_uses.forget()


def _last_use(client: MadeClient) -> datetime | None:
    used: datetime | None = client.client.secrets.values_list("last_used_at", flat=True).get()
    return used


@pytest.mark.django_db
def test_uses_are_written_in_one_statement() -> None:
    tenant = make_tenant()
    made = [make_client(tenant, f"c{number}") for number in range(3)]
    for client in made:
        secret_uses.record(client.client.secrets.get().pk, NOW)
    with CaptureQueriesContext(connection) as statements:
        assert secret_uses.flush() == 3
    assert len(statements) == 1
    for client in made:
        used = _last_use(client)
        assert used is not None
        assert used.timestamp() == NOW
    assert secret_uses.flush() == 0


@pytest.mark.django_db
def test_an_older_use_changes_nothing() -> None:
    client = make_client(make_tenant())
    secret_id = client.client.secrets.get().pk
    for at in (NOW, NOW - 100):
        secret_uses.record(secret_id, at)
        secret_uses.flush()
    used = _last_use(client)
    assert used is not None
    assert used.timestamp() == NOW


@pytest.mark.django_db
def test_a_deleted_secret_is_no_error() -> None:
    secret_uses.record(uuid4(), NOW)
    assert secret_uses.flush() == 1


@pytest.mark.django_db
def test_writing_uses_changes_no_version() -> None:
    client = make_client(make_tenant())
    before = Client.objects.get().version
    secret_uses.record(client.client.secrets.get().pk, NOW)
    secret_uses.flush()
    assert Client.objects.get().version == before


@pytest.mark.django_db
def test_an_authentication_is_a_use_and_a_failure_is_none() -> None:
    tenant = make_tenant()
    make_api(tenant)
    good, bad = (make_client(tenant, name, scopes=["read"]) for name in ("good", "bad"))
    oauth = OAuthClient(tenant)
    assert oauth.token(good).status_code == 200
    assert oauth.token(MadeClient(bad.client, "wrong")).status_code == 401
    secret_uses.flush()
    assert _last_use(good) is not None
    assert _last_use(bad) is None


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_uses, "MAX_PENDING", 2)
    known = uuid4()
    secret_uses.record(known, NOW)
    for _ in range(5):
        secret_uses.record(uuid4(), NOW)
    assert secret_uses.count_pending() == 2
    secret_uses.record(known, NOW + 1)
    assert secret_uses.count_pending() == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_thread_writes_and_writes_once_more_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = make_client(make_tenant())
    secret_id = client.client.secrets.get().pk
    monkeypatch.setattr(secret_uses, "FLUSH_SECONDS", 0.02)
    stopping = threading.Event()
    thread = secret_uses.start(stopping)
    secret_uses.record(secret_id, NOW)
    until = time.monotonic() + 5
    while secret_uses.count_pending() and time.monotonic() < until:
        time.sleep(0.005)
    assert _last_use(client) is not None
    monkeypatch.setattr(secret_uses, "FLUSH_SECONDS", 60)
    time.sleep(0.05)
    secret_uses.record(secret_id, NOW + 5)
    stopping.set()
    thread.join(5)
    used = _last_use(client)
    assert used is not None
    assert used.timestamp() == NOW + 5
    connections.close_all()
