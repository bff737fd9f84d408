"""What was answered is kept, whatever dies; what can't be answered says so."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from tests.live.load import Load, under_load
from tests.live.workers import Worker, each_worker
from tests.run.platform_process import is_alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

AWAY_SECONDS = 6.5  # Longer than a process may answer without confirming its configuration.


def test_killed_worker_loses_no_token(live: Installation) -> None:
    with each_worker(live) as (doomed, *_), under_load(live) as load:
        load.wait_for_more(60)
        os.kill(doomed.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(doomed.pid))
        load.wait_for_more(60)

    assert load.statuses() <= {200, 0}
    assert find_lost_tokens(live, load) == []
    with each_worker(live) as workers:
        assert doomed.pid not in {worker.pid for worker in workers}


def test_killed_postgresql_loses_no_token(live: Installation) -> None:
    (postmaster,) = live.platform.find_children("bin/postgres")
    with under_load(live) as load:
        load.wait_for_more(60)
        os.kill(postmaster, signal.SIGKILL)
        load.wait_for_more(1, status=503)
        load.wait_for_more(60)

    assert load.statuses() == {200, 503}
    assert find_lost_tokens(live, load) == []


def test_requests_while_postgresql_is_away_are_told_to_come_back(live: Installation) -> None:
    with under_load(live) as load:
        load.wait_for_more(30)
        with postgresql_away(live):
            load.wait_for_more(30, status=503)
            time.sleep(AWAY_SECONDS)
        load.wait_for_more(60)

    unavailable = load.answered(503)
    assert load.statuses() == {200, 503}
    assert {answer.headers.get("retry-after") for answer in unavailable} == {"1"}
    assert {answer.headers["cache-control"] for answer in unavailable} == {"no-store"}
    assert all("x-request-id" in answer.headers for answer in unavailable)
    assert find_lost_tokens(live, load) == []
    with each_worker(live) as workers:
        assert [worker.ask("service").status for worker in workers] == [200, 200]


def find_lost_tokens(live: Installation, load: Load) -> list[str]:
    """List what was answered and is not active any more."""
    tokens = load.tokens()
    assert len(tokens) > len(load.answered()) >= 90
    with each_worker(live) as (worker, *_):
        return [token for token in tokens if not is_active(worker, token)]


def is_active(worker: Worker, token: str) -> bool:
    """Ask as who may know: a refresh token is its own client's business only."""
    client_id = "renewing" if token.startswith("art_") else "gateway"
    answer = worker.post("/oauth/introspect", client_id, token=token)
    assert answer.status == 200, answer
    return bool(answer.body["active"])


@contextlib.contextmanager
def postgresql_away(live: Installation) -> Iterator[None]:
    """Stop PostgreSQL, and hold the supervisor so that it can't start it again meanwhile."""
    (postmaster,) = live.platform.find_children("bin/postgres")
    os.kill(live.platform.process.pid, signal.SIGSTOP)
    try:
        os.kill(postmaster, signal.SIGINT)
        wait_until(lambda: not is_alive(postmaster))
        yield
    finally:
        os.kill(live.platform.process.pid, signal.SIGCONT)
