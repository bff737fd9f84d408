"""A change made in one process is seen by every worker of the web server within a second."""

from __future__ import annotations

import os
import signal
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from authplatform.postgres import owner_url
from tests.live.workers import Worker, each_worker
from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.installation import Installation

SEEN_SECONDS = 1.0
POLL_SECONDS = 0.01
END_LISTENERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@pytest.fixture
def workers(live: Installation) -> Iterator[list[Worker]]:
    with each_worker(live) as connected:
        yield connected


@pytest.fixture
def client_id(live: Installation, workers: list[Worker]) -> str:
    """Make a client of this test's own, which every worker knows and has answered."""
    name = f"spare-{uuid.uuid4().hex[:8]}"
    live.secrets[name] = live.shell.call("make_spare_client", client_id=name)
    assert find_slow(workers, lambda worker: worker.ask(name).status == 200) == []
    return name


def find_slow(workers: list[Worker], sees: Callable[[Worker], bool]) -> list[int]:
    """List the workers that do not see a change, just committed, within a second."""
    deadline = time.monotonic() + SEEN_SECONDS
    waiting = list(workers)
    while waiting and time.monotonic() < deadline:
        waiting = [worker for worker in waiting if not sees(worker)]
        time.sleep(POLL_SECONDS)
    return [worker.pid for worker in waiting]


def expires_in(worker: Worker, client_id: str) -> object:
    return worker.ask(client_id).body.get("expires_in")


def test_disabled_client_is_refused_and_comes_back(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    live.shell.call("set_client_enabled", client_id=client_id, is_enabled=False)
    assert (
        find_slow(workers, lambda w: w.ask(client_id).body.get("error") == "invalid_client") == []
    )

    live.shell.call("set_client_enabled", client_id=client_id, is_enabled=True)
    assert find_slow(workers, lambda w: w.ask(client_id).status == 200) == []


def test_setting_of_a_client_holds(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    live.shell.call("set_client_lifetime", client_id=client_id, seconds=90)
    assert find_slow(workers, lambda w: expires_in(w, client_id) == 90) == []


def test_ceiling_of_the_tenant_holds(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    live.shell.call("set_tenant_ceiling", seconds=120)
    try:
        assert find_slow(workers, lambda w: expires_in(w, client_id) == 120) == []
    finally:
        live.shell.call("set_tenant_ceiling", seconds=None)
    assert find_slow(workers, lambda w: expires_in(w, client_id) == 3600) == []


def test_new_secret_works_and_a_removed_one_does_not(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    first = live.secrets[client_id]
    live.secrets[client_id] = live.shell.call(
        "add_client_secret", client_id=client_id, label="second"
    )
    assert find_slow(workers, lambda w: w.ask(client_id).status == 200) == []

    live.shell.call("remove_client_secret", client_id=client_id, label="first")
    with_first = [
        replace(w, live=replace(live, secrets=live.secrets | {client_id: first})) for w in workers
    ]
    assert find_slow(with_first, lambda w: w.ask(client_id).status == 401) == []
    assert {worker.ask(client_id).status for worker in workers} == {200}


def test_revocation_by_one_worker_is_known_to_the_other_at_once(
    workers: list[Worker], client_id: str
) -> None:
    one, other = workers
    for revoking, asking in ((one, other), (other, one)):
        token = revoking.ask(client_id).body["access_token"]
        assert asking.introspect(token)["active"] is True
        assert revoking.post("/oauth/revoke", client_id, token=token).status == 200
        assert asking.introspect(token) == {"active": False}


def test_cut_off_ends_tokens_at_once_and_later_ones_live(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    tokens = [worker.ask(client_id).body["access_token"] for worker in workers]
    live.shell.call("end_everything_of", client_id=client_id)
    ended = [worker.introspect(token) for worker in workers for token in tokens]

    def gives_living_token(worker: Worker) -> bool:
        return bool(worker.introspect(worker.ask(client_id).body["access_token"])["active"])

    assert ended == [{"active": False}] * len(ended)
    assert find_slow(workers, gives_living_token) == []


def test_change_right_after_a_restart_of_postgresql_is_seen(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    (postmaster,) = live.platform.find_children("bin/postgres")
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: live.platform.find_children("bin/postgres") not in ([], [postmaster]))
    wait_until(lambda: live.platform.get_status("/readyz") == 200)

    live.shell.call("set_client_lifetime", client_id=client_id, seconds=75)
    assert find_slow(workers, lambda w: expires_in(w, client_id) == 75) == []


def test_change_is_seen_while_every_listener_is_cut_off(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    with psycopg.connect(owner_url(live.platform.folder / "postgres"), autocommit=True) as owner:
        ended = owner.execute(END_LISTENERS).fetchall()
    assert len(ended) >= len(workers)
    live.shell.call("set_client_lifetime", client_id=client_id, seconds=85)
    assert find_slow(workers, lambda w: expires_in(w, client_id) == 85) == []
