"""Tests of the snapshot between threads and transactions: nothing is missed or comes too early."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections, transaction

from tenants import snapshot
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.snapshot import Snapshot
from tests.factories.tenants import make_api, make_environment, make_tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.models import Tenant
    from tenants.records import TenantSnapshot

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
