import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from authplatform import postgres_account, postgres_orphan, postgres_socket
from authplatform.postgres import EmbeddedPostgres, PostgresRefused
from tests.embedded import FAST_AND_LOOSE, make_reachable_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_reachable_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder / "with a space", FAST_AND_LOOSE)
    made.start()
    yield made
    made.stop()


def _read_pid(server: EmbeddedPostgres) -> int:
    return int((server.cluster / "postmaster.pid").read_text().splitlines()[0])


def test_owner_is_no_superuser_and_may_create(server: EmbeddedPostgres) -> None:
    query = "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles "
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query + "WHERE rolname = current_user").fetchone()
        assert row == (False, False, True, True)
        connection.execute("CREATE TABLE kept (number integer)")


def test_only_the_account_itself_reaches_cluster_and_socket(server: EmbeddedPostgres) -> None:
    for path in (server.directory, server.cluster, postgres_socket.locate(server.directory)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_restart_keeps_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_killed_server_starts_again(server: EmbeddedPostgres) -> None:
    os.kill(_read_pid(server), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not server.has_died() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.has_died()
    server.start()
    psycopg.connect(server.url).close()


def test_orphan_is_ended_before_the_next_start(server: EmbeddedPostgres) -> None:
    orphan = _read_pid(server)
    successor = EmbeddedPostgres(server.directory, FAST_AND_LOOSE)
    successor.start()
    try:
        assert _read_pid(successor) != orphan
        psycopg.connect(successor.url).close()
    finally:
        successor.stop()


def test_lock_of_a_recycled_process_id_is_cleared(server: EmbeddedPostgres) -> None:
    server.stop()
    lock = server.cluster / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n/nowhere\n")
    server.start()
    assert _read_pid(server) != os.getpid()


def test_interrupted_initdb_leaves_nothing_behind(folder: Path) -> None:
    unfinished = folder / "postgres" / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder / "postgres", FAST_AND_LOOSE)
    server.start()
    server.stop()
    assert not unfinished.exists()


def test_broken_cluster_is_refused_with_postgresqls_own_reason(folder: Path) -> None:
    cluster = folder / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    server = EmbeddedPostgres(folder / "postgres")
    with pytest.raises(PostgresRefused, match="PostgreSQL did not start: "):
        server.start()


def test_long_path_gets_a_short_socket_folder(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    socket_directory = postgres_socket.locate(directory)
    assert len(bytes(socket_directory / ".s.PGSQL.5432")) <= 100
    assert socket_directory != postgres_socket.locate(tmp_path / ("other" * 30))


def test_folder_of_a_stranger_is_refused(tmp_path: Path) -> None:
    stranger = postgres_account.Account(os.geteuid() + 4242, os.getegid(), is_other=False)
    with pytest.raises(PermissionError, match="belongs to another account"):
        postgres_account.make_private(tmp_path / "socket", stranger)


def test_closed_parent_is_named_for_root(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    nobody = postgres_account.Account(65534, 65534, is_other=True)
    sentence = postgres_account.explain_refusal(nobody, [closed / "data" / "postgres"])
    assert f"chmod o+x {closed}" in sentence
    assert postgres_account.explain_refusal(nobody, [folder / "data"]) == ""


def test_command_line_of_a_process_is_read() -> None:
    assert "python" in postgres_orphan.read_command_line(os.getpid())
    assert postgres_orphan.read_command_line(2**22 + 1) == ""
