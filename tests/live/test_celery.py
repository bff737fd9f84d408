"""The task worker does the scheduled work, and a task outlives the worker that ran it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psycopg
import pytest

from authplatform.postgres import owner_url
from tests.run.platform_process import is_alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

Connection = psycopg.Connection[tuple[object, ...]]
DONE_SECONDS = 20.0
WAITING = """
SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'tokens_refreshtoken'::regclass"""
DISCONNECT = "SELECT pg_terminate_backend(%s)"


@pytest.fixture
def database(live: Installation) -> Iterator[Connection]:
    """Connect to the platform's database as its owner."""
    url = owner_url(live.platform.folder / "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def make_expired_session(live: Installation) -> str:
    assert "refresh_token" in live.fetch_token("renewing")
    session = live.shell.call("age_newest_session", client_id="renewing")
    assert not has_vanished(live, session)
    return str(session)


def has_vanished(live: Installation, session: str) -> bool:
    return not live.shell.call("has_session", session_id=session)


def kill_worker(live: Installation) -> None:
    pids = live.platform.find_children("authplatform.celery worker")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)))


def test_published_purge_removes_an_expired_session(live: Installation) -> None:
    session = make_expired_session(live)
    live.shell.call("publish_purge")
    wait_until(lambda: has_vanished(live, session), DONE_SECONDS)


def test_task_published_while_no_worker_lives_runs_later(live: Installation) -> None:
    session = make_expired_session(live)
    kill_worker(live)
    live.shell.call("publish_purge")
    wait_until(lambda: has_vanished(live, session), DONE_SECONDS)


def test_running_task_of_a_killed_worker_runs_again(
    live: Installation, database: Connection
) -> None:
    with database.transaction():
        # The task's first statement waits for this, so that it is running when the worker dies.
        database.execute("LOCK TABLE tokens_refreshtoken IN ACCESS EXCLUSIVE MODE")
        live.shell.call("publish_purge")
        wait_until(lambda: database.execute(WAITING).fetchone() is not None, DONE_SECONDS)
        kill_worker(live)
        # Its connection outlives it until it next speaks to the client; it must not finish alone.
        for (pid,) in database.execute(WAITING).fetchall():
            database.execute(DISCONNECT, [pid])
    session = make_expired_session(live)
    become_visible(database)
    wait_until(lambda: has_vanished(live, session), DONE_SECONDS)


def become_visible(database: Connection) -> None:
    """Let the visibility timeout of the taken messages pass, which is five minutes."""
    taken = database.execute("SELECT msg_id FROM pgmq.q_celery WHERE read_ct > 0").fetchall()
    assert taken, "the killed worker's message is gone"
    for (message,) in taken:
        database.execute("SELECT pgmq.set_vt('celery', %s::bigint, 0)", [message])
