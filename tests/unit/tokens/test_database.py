"""The kept cursor: one connection with Django, and a lost one is replaced once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from django.db import DataError, connection, connections, transaction

from tenants.queries.console import console_role
from tenants.queries.operators import ConsoleReach
from tokens import database
from tokens.models import ReplayedAssertion

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

INSERT_SQL = """
INSERT INTO tokens_replayedassertion (tenant_id, issuer_id, assertion_hash, expires_at)
VALUES (gen_random_uuid(), gen_random_uuid(), %(digest)b, now())
"""
SLOW_SQL = "SELECT pg_backend_pid() FROM pg_sleep(%(seconds)b::float8)"


@pytest.fixture(autouse=True)
def _restored_connection(db: None) -> Iterator[None]:  # noqa: ARG001 - torn down after this one.
    yield
    connection.close()


def terminate(pid: int, *, after_seconds: float = 0) -> None:
    """End a server process from another connection, and wait until it is gone."""
    time.sleep(after_seconds)
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()


def backend_pid() -> int:
    return int(database.execute("SELECT pg_backend_pid()", {})[0][0])


def test_statement_is_part_of_djangos_transaction() -> None:
    with transaction.atomic():
        database.execute(INSERT_SQL, {"digest": b"x"})
        assert ReplayedAssertion.objects.count() == 1
        transaction.set_rollback(True)
    assert ReplayedAssertion.objects.count() == 0


def test_statement_commits_at_once_outside_of_a_transaction() -> None:
    database.execute(INSERT_SQL, {"digest": b"x"})
    connection.close()
    assert ReplayedAssertion.objects.count() == 1


def test_statement_is_prepared_and_the_cursor_is_kept() -> None:
    for _ in range(3):
        database.execute("SELECT %(number)b::int8 + 41", {"number": 1})
    rows = database.execute(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %(text)s",
        {"text": "%+ 41"},
    )
    assert rows == [(1,)]


def test_statement_is_planned_once_for_all_partitions() -> None:
    connection.close()
    assert database.execute("SHOW plan_cache_mode", {}) == [("force_generic_plan",)]


def test_statements_are_planned_once_even_if_the_first_was_rolled_back() -> None:
    connection.close()
    with transaction.atomic():
        database.execute("SELECT 1", {})
        transaction.set_rollback(True)
    assert database.execute("SHOW plan_cache_mode", {}) == [("force_generic_plan",)]


def test_a_request_of_the_console_is_planned_for_its_values_and_nothing_after_it_is() -> None:
    connection.close()
    mode = "SELECT current_setting('plan_cache_mode')"
    for _ in range(2):
        assert database.execute(mode, {}) == [("force_generic_plan",)]
        with console_role(ConsoleReach()):
            assert database.execute(mode, {}) == [("force_custom_plan",)]


def test_connection_lost_while_idle_is_replaced_before_anything_is_sent() -> None:
    terminate(backend_pid())
    database.execute(INSERT_SQL, {"digest": b"x"})
    assert ReplayedAssertion.objects.count() == 1


def test_connection_lost_while_a_statement_runs_is_an_error() -> None:
    killer = threading.Thread(
        target=terminate, args=(backend_pid(),), kwargs={"after_seconds": 0.2}
    )
    killer.start()
    with pytest.raises(database.ConnectionLost) as caught:
        database.execute(SLOW_SQL, {"seconds": 5})
    killer.join()
    assert caught.value.retry_after_seconds == 1


def test_harmless_statement_is_repeated_once_on_a_new_connection() -> None:
    pid = backend_pid()
    killer = threading.Thread(target=terminate, args=(pid,), kwargs={"after_seconds": 0.2})
    killer.start()
    rows = database.execute(SLOW_SQL, {"seconds": 1}, is_repeatable=True)
    killer.join()
    assert rows[0][0] != pid


def test_lost_transaction_is_never_continued_on_another_connection() -> None:
    def write_in_a_transaction() -> None:
        with transaction.atomic():
            terminate(backend_pid())
            database.execute(INSERT_SQL, {"digest": b"x"}, is_repeatable=True)

    with pytest.raises(database.ConnectionLost):
        write_in_a_transaction()
    assert ReplayedAssertion.objects.count() == 0


def test_statement_that_waits_too_long_for_a_lock_is_unavailable() -> None:
    database.execute("SELECT set_config('statement_timeout', '50ms', false)", {})
    with pytest.raises(database.DatabaseUnavailable) as caught:
        database.execute(SLOW_SQL, {"seconds": 5}, is_repeatable=True)
    assert not isinstance(caught.value, database.ConnectionLost)


def test_refused_statement_raises_djangos_error_and_keeps_the_connection() -> None:
    pid = backend_pid()
    with pytest.raises(DataError):
        database.execute("SELECT 1 / %(number)b::int8", {"number": 0})
    assert backend_pid() == pid


def test_each_thread_has_its_own_connection() -> None:
    pids = [backend_pid()]

    def collect() -> None:
        pids.append(backend_pid())
        connections.close_all()

    thread = threading.Thread(target=collect)
    thread.start()
    thread.join()
    assert len(set(pids)) == 2


def test_thread_that_takes_a_connection_over_prepares_under_names_of_its_own() -> None:
    answers: list[database.Row] = database.execute("SELECT 1", {})
    shared = connections["default"]
    shared.inc_thread_sharing()

    def take_over() -> None:
        connections["default"] = shared
        answers.extend(database.execute("SELECT 2", {}))

    thread = threading.Thread(target=take_over)
    thread.start()
    thread.join()
    shared.dec_thread_sharing()
    assert answers == [(1,), (2,)]


def change_column(to: str) -> None:
    """Change a column as a migration does that runs beside this process."""
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE tokens_session ALTER user_agent TYPE {to}")
    finally:
        other.close()


FIND_AGENTS = "SELECT user_agent FROM tokens_session"


def test_statement_whose_column_a_migration_has_changed_is_prepared_anew() -> None:
    database.execute(FIND_AGENTS, {})
    change_column("text")
    try:
        assert database.execute(FIND_AGENTS, {}) == []
    finally:
        change_column("varchar(200)")
    with transaction.atomic():
        with pytest.raises(database.DatabaseUnavailable):
            database.execute(FIND_AGENTS, {})
        transaction.set_rollback(True)
    assert database.execute(FIND_AGENTS, {}) == []


def test_statement_that_the_server_has_forgotten_is_prepared_anew() -> None:
    pid = backend_pid()
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    assert backend_pid() == pid
    assert database.execute("SHOW plan_cache_mode", {}) == [("force_generic_plan",)]


def test_server_that_is_away_is_unavailable() -> None:
    connection.close()
    settings_dict = connection.settings_dict
    host, settings_dict["HOST"] = settings_dict["HOST"], "/nonexistent"
    try:
        with pytest.raises(database.DatabaseUnavailable):
            database.execute("SELECT 1", {})
    finally:
        settings_dict["HOST"] = host
    assert database.execute("SELECT 1", {}) == [(1,)]
