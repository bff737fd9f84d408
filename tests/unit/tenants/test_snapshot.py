"""Tests of the snapshot: what it holds, what it drops, and what number it dares to say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import snapshot
from tenants.errors import SnapshotUnconfirmed
from tenants.models import Platform, Tenant
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.client_secrets import add_secret
from tenants.services.clients import delete_client, save_client
from tenants.snapshot import Snapshot
from tests.factories.tenants import make_api, make_client, make_tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    from tenants.records import ClientRecord, TenantSnapshot

pytestmark = pytest.mark.django_db

committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def held() -> Snapshot:
    return Snapshot()


def _core(held: Snapshot, tenant: Tenant) -> TenantSnapshot:
    core = held.tenant(tenant.path)
    assert core is not None
    return core


def _client(held: Snapshot, tenant: Tenant, client_id: str) -> ClientRecord | None:
    return held.client(_core(held, tenant), client_id)


def test_what_is_held_costs_no_statement(held: Snapshot, tenant: Tenant) -> None:
    made = make_client(tenant)
    held.renew()
    first, client = _core(held, tenant), _client(held, tenant, made.client_id)
    with CaptureQueriesContext(connection) as statements:
        assert _core(held, tenant) is first
        assert _client(held, tenant, made.client_id) is client
    assert not statements.captured_queries


def test_each_of_renewing_and_reading_is_one_statement(held: Snapshot, tenant: Tenant) -> None:
    made = make_client(tenant)
    for read in (
        held.renew,
        lambda: _core(held, tenant),
        lambda: _client(held, tenant, made.client_id),
    ):
        with CaptureQueriesContext(connection) as statements:
            read()
        assert len(statements) == 1


def test_what_does_not_exist_is_not_held(held: Snapshot, tenant: Tenant) -> None:
    assert held.tenant("acme/production/nobody") is None
    assert _client(held, tenant, "nobody") is None
    make_client(tenant, "nobody")
    held.renew()
    assert _client(held, tenant, "nobody") is not None


def _rename_client(tenant: Tenant) -> None:
    client = tenant.clients.get()
    client.name = "new"
    save_client(client, actor=SYSTEM)


def _raise_environment(tenant: Tenant) -> None:
    changes.save(tenant.environment, actor=SYSTEM)


def _raise_platform(_tenant: Tenant) -> None:
    changes.save(Platform.objects.get(), actor=SYSTEM)


CHANGES: dict[str, tuple[Callable[[Tenant], object], bool, bool]] = {
    "the client": (_rename_client, False, True),
    "a secret": (
        lambda t: add_secret(t.clients.get(), label="second", actor=SYSTEM),
        False,
        True,
    ),
    "an Api": (lambda t: make_api(t, "bills", scopes=["pay"]), True, False),
    "the tenant": (lambda t: changes.save(t, actor=SYSTEM), True, False),
    "the environment": (_raise_environment, True, False),
    "the platform": (_raise_platform, True, False),
    "another tenant": (lambda _: make_tenant("initech"), False, False),
    "a cut-off": (lambda t: cut_offs.end(t.pk, actor=SYSTEM), False, False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_drops_what_it_concerns_and_nothing_else(
    held: Snapshot, tenant: Tenant, name: str
) -> None:
    change, drops_tenant, drops_client = CHANGES[name]
    made = make_client(tenant)
    held.renew()
    core, client = _core(held, tenant), _client(held, tenant, made.client_id)
    change(tenant)
    assert _core(held, tenant) is core
    held.renew()
    assert (_core(held, tenant) is not core) is drops_tenant
    assert (_client(held, tenant, made.client_id) is not client) is drops_client


def test_a_stale_object_in_memory_never_turns_a_version_back(
    held: Snapshot, tenant: Tenant
) -> None:
    stale = Tenant.objects.get(pk=tenant.pk)
    for number in range(3):
        make_api(tenant, f"api-{number}", scopes=[f"s{number}"])
    held.renew()
    core = _core(held, tenant)
    stale.name = "renamed"
    changes.save(stale, actor=SYSTEM)
    held.renew()
    assert _core(held, tenant).version == core.version + 1 == stale.version


def test_a_deleted_client_is_gone(held: Snapshot, tenant: Tenant) -> None:
    made = make_client(tenant)
    held.renew()
    assert _client(held, tenant, made.client_id) is not None
    delete_client(made.client, actor=SYSTEM)
    held.renew()
    assert _client(held, tenant, made.client_id) is None


def test_the_caches_are_bounded(held: Snapshot, settings: Settings) -> None:
    settings.TENANTS_SNAPSHOT_MAX_TENANTS = 2
    tenants = [make_tenant(slug) for slug in ("one", "two", "three")]
    held.renew()
    one, two = (_core(held, tenant) for tenant in tenants[:2])
    assert _core(held, tenants[0]) is one
    _core(held, tenants[2])
    assert _core(held, tenants[0]) is one
    assert _core(held, tenants[1]) is not two


def test_the_number_is_the_highest_that_was_seen(held: Snapshot, tenant: Tenant) -> None:
    before = held.renew()
    number = cut_offs.end(tenant.pk, actor=SYSTEM).number
    assert held.renew() == held.confirm() == number > before


def test_a_snapshot_without_listener_renews_itself_by_age(
    held: Snapshot, tenant: Tenant, settings: Settings
) -> None:
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60
    before = held.confirm()
    number = cut_offs.end(tenant.pk, actor=SYSTEM).number
    assert held.confirm() == before
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 0
    assert held.confirm() == number


@pytest.mark.usefixtures("tenant")
def test_a_snapshot_with_listener_reads_nothing_and_refuses_when_unconfirmed(
    held: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.listen()
    number = held.confirm()
    with CaptureQueriesContext(connection) as statements:
        assert held.confirm() == number
    assert not statements.captured_queries
    monkeypatch.setattr(snapshot, "UNCONFIRMED_LIMIT_SECONDS", 0.01)
    time.sleep(0.02)
    with pytest.raises(SnapshotUnconfirmed):
        held.confirm()


def test_many_changes_are_applied_in_one_pass(held: Snapshot, tenant: Tenant) -> None:
    made = [make_client(tenant, f"client-{number}", is_allowed=False) for number in range(3)]
    before = [_client(held, tenant, one.client_id) for one in made]
    assert None not in before
    for _ in range(2):
        for one in made:
            one.client.name += "x"
            save_client(one.client, actor=SYSTEM)
    with CaptureQueriesContext(connection) as statements:
        held.renew()
    assert len(statements.captured_queries) == 1
    after = [_client(held, tenant, one.client_id) for one in made]
    assert all(
        new and old and new.version > old.version for new, old in zip(after, before, strict=True)
    )
