"""A limit holds over several processes, whichever of them is asked."""

from __future__ import annotations

import math
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pytest
import requests

from tenants.records import Rate
from tests.live.management_shell import ManagementShell
from tests.live.workers import Worker, each_worker
from tokens.limits.buckets import FORGOTTEN_PART
from tokens.limits.keys import lease_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.installation import Installation
    from tests.live.workers import Answer

T = TypeVar("T")
PROCESSES = 4
SECONDS = 4.0
BURST = 160
PER_SECOND = 50.0
FREE_FAILURES = 5
# A machine that is busy with other tests may let the store answer too late: then a process counts
# alone, as it should, and the test begins again.
ATTEMPTS = 5
AWAY_SECONDS = 6.0
AWAY = re.compile(
    r'^authplatform_limit_store_questions_total\{outcome="(?:away|skipped)"\} (\S+)$', re.MULTILINE
)


@pytest.fixture
def workers(live: Installation) -> Iterator[list[Worker]]:
    with each_worker(live) as connected:
        yield connected


def make_client(live: Installation) -> str:
    """Make a client that nobody else uses."""
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


def count_away(live: Installation) -> float:
    """Count how often a worker of the web server has done without the shared store."""
    url = f"http://127.0.0.1:{live.platform.port}/metrics"
    return sum(map(float, AWAY.findall(requests.get(url, timeout=10).text)))


def while_store_answers(live: Installation, measure: Callable[[str], T]) -> T:
    """Measure with a new client, and again if the store was away meanwhile."""
    for _ in range(ATTEMPTS):
        before = count_away(live)
        measured = measure(make_client(live))
        if count_away(live) == before:
            return measured
        time.sleep(AWAY_SECONDS)
    pytest.fail("the store of the limits was away each time")


@pytest.fixture
def shells(live: Installation) -> Iterator[list[ManagementShell]]:
    started: list[ManagementShell] = []
    try:
        started.extend(ManagementShell(live.platform) for _ in range(PROCESSES))
        yield started
    finally:
        for shell in started:
            shell.close()


def spend(shells: list[ManagementShell], client_id: str, seconds: float) -> list[dict[str, float]]:
    """Let every process ask the limit at the same time."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        calls = [
            pool.submit(shell.call, "spend_limit", client_id=client_id, seconds=seconds)
            for shell in shells
        ]
        return [call.result() for call in calls]


def test_four_processes_together_stay_within_the_limit_and_a_lease_each(
    live: Installation, shells: list[ManagementShell]
) -> None:
    rate = Rate(PER_SECOND, BURST)
    for _ in range(ATTEMPTS):
        client_id = make_client(live)
        set_limit(live, client_id, rate)
        before = spend(shells, client_id, seconds=0)  # Started and connected.
        began = time.monotonic()
        after = spend(shells, client_id, seconds=SECONDS)
        seconds = time.monotonic() - began
        if [shell["away"] for shell in after] == [shell["away"] for shell in before]:
            break
        time.sleep(AWAY_SECONDS)
    else:
        pytest.fail("the store of the limits was away each time")
    admitted = sum(shell["admitted"] for shell in after)
    forgotten = PROCESSES * PER_SECOND * seconds * FORGOTTEN_PART
    assert admitted <= BURST + PER_SECOND * seconds + PROCESSES * lease_size(rate) + forgotten
    assert admitted >= 0.8 * (BURST + PER_SECOND * SECONDS)


def test_the_workers_of_the_web_server_share_a_limit(
    live: Installation, workers: list[Worker]
) -> None:
    rate = Rate(1.0, 32)

    def ask_all(client_id: str) -> tuple[list[Answer], float]:
        set_limit(live, client_id, rate)
        began = time.monotonic()
        answers = [worker.ask(client_id) for _ in range(40) for worker in workers]
        return answers, time.monotonic() - began

    answers, seconds = while_store_answers(live, ask_all)
    admitted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(admitted) + len(refused) == len(answers)
    allowed = rate.burst + rate.per_second * seconds + len(workers) * lease_size(rate)
    assert 0.8 * rate.burst <= len(admitted) <= allowed
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.body["error"] for answer in refused} == {"temporarily_unavailable"}


def test_the_workers_of_the_web_server_share_failures(
    live: Installation, workers: list[Worker]
) -> None:
    def guess_all(client_id: str) -> tuple[list[int], float]:
        live.secrets[client_id] = "guessed"
        began = time.monotonic()
        statuses = [worker.ask(client_id).status for _ in range(8) for worker in workers]
        return statuses, time.monotonic() - began

    statuses, seconds = while_store_answers(live, guess_all)
    assert set(statuses) == {401, 429}
    # One free failure of each process is not shared; each delay that is over lets one more pass.
    over = len(workers) * math.floor(math.log2(seconds + 1))
    assert statuses.count(401) <= FREE_FAILURES + len(workers) + over
