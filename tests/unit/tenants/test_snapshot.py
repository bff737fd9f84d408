"""Tests of the snapshot: what it holds, what it drops, and what number it dares to say."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from tenants import snapshot
from tenants.errors import SnapshotUnconfirmed
from tenants.models import Platform, Tenant
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.client_secrets import add_secret
from tenants.services.clients import delete_client, save_client
from tenants.snapshot import Snapshot
from tests.factories.tenants import make_api, make_client, make_environment, make_tenant

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


class _Elsewhere:
    """Another session of the database, in a thread of its own, that goes on when it is told."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._may_commit = threading.Event()
        self._has_acted = threading.Event()
        self._act = act
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._has_acted.wait(10)

    def __exit__(self, *_error: object) -> None:
        self._may_commit.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with transaction.atomic():
                self._act()
                self._has_acted.set()
                assert self._may_commit.wait(10)
        finally:
            self._has_acted.set()
            connections.close_all()


@committed
def test_a_change_that_commits_late_is_never_missed() -> None:
    held = Snapshot()
    slow, quick = make_tenant("slow"), make_tenant("quick")
    held.renew()
    cores = {tenant.path: _core(held, tenant) for tenant in (slow, quick)}
    with _Elsewhere(lambda: make_api(slow, "late")):
        # The later transaction commits first, and the snapshot looks in between.
        make_api(quick, "soon")
        held.renew()
        held.renew()
        assert _core(held, quick) is not cores[quick.path]
        assert _core(held, slow) is cores[slow.path]
    held.renew()
    assert "late" in _core(held, slow).apis_by_slug


@committed
def test_no_number_is_seen_before_the_changes_that_were_committed_before_it() -> None:
    held = Snapshot()
    tenant = make_tenant()
    held.renew()
    _core(held, tenant)
    before = held.confirm()
    with _Elsewhere(lambda: cut_offs.end(tenant.pk, actor=SYSTEM)):
        held.renew()
        assert held.confirm() == before
    held.renew()
    assert held.confirm() > before


@committed
def test_cut_off_numbers_become_visible_in_order() -> None:
    one, two = make_tenant("one"), make_tenant("two")
    numbers: list[int] = []
    second = threading.Thread(target=_end_and_note, args=[two, numbers])
    with _Elsewhere(lambda: numbers.append(cut_offs.end(one.pk, actor=SYSTEM).number)):
        second.start()
        time.sleep(0.1)
        assert len(numbers) == 1
    second.join()
    assert numbers == sorted(numbers)
    assert len(numbers) == 2


def _end_and_note(tenant: Tenant, numbers: list[int]) -> None:
    try:
        numbers.append(cut_offs.end(tenant.pk, actor=SYSTEM).number)
    finally:
        connections.close_all()


def test_what_was_read_before_a_change_is_not_kept_after_it(
    held: Snapshot, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader's statement runs first, then the change is applied, then the reader comes back."""
    held.renew()

    def read_and_be_overtaken(path: str, **named: Any) -> TenantSnapshot | None:  # noqa: ANN401 - passed on.
        core = read_core(path, **named)
        make_api(tenant, "meanwhile", scopes=["meanwhile"])
        held.renew()
        return core

    monkeypatch.setattr(snapshot, "read_core", read_and_be_overtaken)
    assert "meanwhile" not in _core(held, tenant).apis_by_slug
    monkeypatch.setattr(snapshot, "read_core", read_core)
    assert "meanwhile" in _core(held, tenant).apis_by_slug


@committed
def test_threads_share_a_snapshot_in_peace() -> None:
    held = Snapshot()
    tenants = [make_tenant(f"t{number}") for number in range(8)]
    held.renew()
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                for tenant in tenants:
                    _core(held, tenant)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below.
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        changes.save(make_environment(), actor=SYSTEM)
        held.renew()
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
