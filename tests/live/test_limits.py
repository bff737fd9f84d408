"""A limit holds over several processes, whichever of them is asked."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tenants.records import Rate
from tests.live.management_shell import ManagementShell
from tests.live.workers import Worker, each_worker
from tokens.limits.keys import lease_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

PROCESSES = 4
SECONDS = 4.0
BURST = 160
PER_SECOND = 50.0
FREE_FAILURES = 5


@pytest.fixture
def workers(live: Installation) -> Iterator[list[Worker]]:
    with each_worker(live) as connected:
        yield connected


@pytest.fixture
def client_id(live: Installation) -> str:
    """Make a client of this test's own."""
    name = f"limited-{uuid.uuid4().hex[:8]}"
    live.secrets[name] = live.shell.call("make_spare_client", client_id=name)
    return name


def set_limit(live: Installation, client_id: str, rate: Rate) -> None:
    live.shell.call(
        "set_client_limit",
        client_id=client_id,
        per_minute=int(rate.per_second * 60),
        burst=rate.burst,
    )
    time.sleep(1.5)  # Until every process has noticed.


def test_four_processes_together_stay_within_the_limit_and_a_lease_each(
    live: Installation, client_id: str
) -> None:
    rate = Rate(PER_SECOND, BURST)
    set_limit(live, client_id, rate)
    shells = [ManagementShell(live.platform) for _ in range(PROCESSES)]
    try:
        for shell in shells:
            shell.call("spend_limit", client_id=client_id, seconds=0)  # Started and connected.
        began = time.monotonic()
        with ThreadPoolExecutor(PROCESSES) as pool:
            calls = [
                pool.submit(shell.call, "spend_limit", client_id=client_id, seconds=SECONDS)
                for shell in shells
            ]
            counts = [call.result() for call in calls]
        seconds = time.monotonic() - began
    finally:
        for shell in shells:
            shell.close()
    assert sum(counts) <= BURST + PER_SECOND * seconds + PROCESSES * lease_size(rate)
    assert sum(counts) >= 0.8 * (BURST + PER_SECOND * SECONDS)


def test_the_workers_of_the_web_server_share_a_limit(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    rate = Rate(1.0, 32)
    set_limit(live, client_id, rate)
    began = time.monotonic()
    answers = [worker.ask(client_id) for _ in range(40) for worker in workers]
    seconds = time.monotonic() - began
    admitted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(admitted) + len(refused) == len(answers)
    allowed = rate.burst + rate.per_second * seconds + len(workers) * lease_size(rate)
    assert 0.8 * rate.burst <= len(admitted) <= allowed
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.body["error"] for answer in refused} == {"temporarily_unavailable"}


def test_the_workers_of_the_web_server_share_failures(
    live: Installation, workers: list[Worker], client_id: str
) -> None:
    live.secrets[client_id] = "guessed"
    answers = [worker.ask(client_id).status for _ in range(8) for worker in workers]
    assert set(answers) == {401, 429}
    # One free failure of each process is not shared.
    assert answers.count(401) <= FREE_FAILURES + len(workers)
