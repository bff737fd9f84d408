"""`make run` on a machine that has nothing: the embedded PostgreSQL and one folder."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from authplatform.env import PROVIDER_ADDRESS, PROVIDER_FOLDER, read_assignments
from authplatform.postgres import owner_url
from tests.embedded import make_reachable_folder
from tests.run.platform_process import (
    ROOT,
    Platform,
    begin,
    find_free_port,
    is_alive,
    read_refusal,
    running,
    wait_until,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = make_reachable_folder()
    yield made / "data"
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[Platform]:
    with running(folder) as started:
        yield started


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder of the test's own: it kills what runs there, or runs something itself."""
    made = make_reachable_folder()
    yield made / "data"
    shutil.rmtree(made, ignore_errors=True)


def _connect(folder: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(owner_url(folder / "postgres"), autocommit=True)


def test_everything_runs_and_says_where(platform: Platform) -> None:
    said = "".join(platform.output)
    demo = read_assignments(platform.folder / "demo.env")
    assert f"http://localhost:{platform.port}/admin/" in said
    assert f"Sign in as {demo['ADMIN_USERNAME']} with {demo['ADMIN_PASSWORD']}" in said
    assert platform.get_status("/healthz") == 200
    assert platform.get_status("/metrics") == 200
    wait_until(lambda: platform.get_status("/readyz") == 200)
    wait_until(lambda: len(platform.find_children("authplatform.celery worker")) >= 1)
    wait_until(lambda: len(platform.find_children("authplatform.celery beat")) == 1)


def test_secrets_are_for_their_owner_only(platform: Platform) -> None:
    for name in ("secrets.env", "demo.env"):
        assert (platform.folder / name).stat().st_mode & 0o777 == 0o600


def test_nothing_works_as_superuser(platform: Platform) -> None:
    wait_until(lambda: platform.get_status("/readyz") == 200)
    query = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'authplatform'"
    with _connect(platform.folder) as connection:
        assert connection.execute(query).fetchall() == [("authplatform_owner",)]


def test_task_reaches_the_worker(platform: Platform) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "-m", "celery", "-A", "authplatform.celery", "call", "celery.accumulate"],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(platform.folder)},
        check=True,
        capture_output=True,
    )
    with _connect(platform.folder) as connection:
        query = "SELECT queue_length, total_messages > 0 FROM pgmq.metrics('celery')"
        wait_until(lambda: connection.execute(query).fetchone() == (0, True))


def test_second_start_on_the_same_folder_is_refused(platform: Platform) -> None:
    said = read_refusal(platform.folder, find_free_port())
    expected = f"already running on {platform.folder} (process {platform.process.pid})."
    assert said == f"The platform is {expected}\n"
    assert platform.get_status("/healthz") == 200


def test_taken_port_is_refused(platform: Platform, tmp_path: Path) -> None:
    said = read_refusal(tmp_path / "other", platform.port)
    assert said == f"Port {platform.port} is taken: stop what uses it, or set PORT.\n"


def test_taken_port_of_the_example_is_refused(tmp_path: Path) -> None:
    port = find_free_port()
    with socket.create_server(("127.0.0.1", port + 1)):
        assert f"Port {port + 1} is taken" in read_refusal(tmp_path, port)


def test_taken_port_of_the_demos_provider_is_refused(tmp_path: Path) -> None:
    port = find_free_port()
    with socket.create_server((PROVIDER_ADDRESS, port + 2)):
        assert f"Port {port + 2} is taken" in read_refusal(tmp_path, port)


def test_provider_of_the_demo_has_a_key_of_its_own_and_runs(platform: Platform) -> None:
    files = platform.folder / PROVIDER_FOLDER
    assert files.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in files.iterdir()} == {
        "authority.pem": 0o600,
        "certificate.pem": 0o600,
        "key.pem": 0o600,
    }
    wait_until(lambda: bool(platform.find_children("authplatform.demo_provider")))


def test_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = read_refusal(tmp_path / "file" / "data", find_free_port())
    assert said.count("\n") == 1
    assert f"The data directory {tmp_path / 'file' / 'data'} can't be written" in said


def test_missing_variable_in_production_is_named(tmp_path: Path) -> None:
    production = {"AUTHPLATFORM_ENVIRONMENT": "production"}
    said = read_refusal(tmp_path, find_free_port(), production)
    assert said == "The environment variable BASE_URL is missing; see docs/settings.md.\n"
    assert not (tmp_path / "secrets.env").exists()


def test_unreachable_database_is_refused(tmp_path: Path) -> None:
    port = find_free_port()
    url = f"postgresql://web@127.0.0.1:{port}/nothing"
    said = read_refusal(tmp_path, port, {"DATABASE_URL": url})
    assert said.startswith("The database can't be prepared: ")
    assert said.count("\n") == 1


def test_killed_processes_come_back(platform: Platform) -> None:
    wait_until(lambda: bool(platform.find_children("authplatform.celery beat")))
    for words in ("granian", "authplatform.celery beat", "bin/postgres"):
        (killed, *_) = platform.find_children(words)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda killed=killed: not is_alive(killed))  # type: ignore[misc]  # A default.
        wait_until(lambda words=words: bool(platform.find_children(words)))  # type: ignore[misc]
        wait_until(lambda: platform.get_status("/readyz") == 200)


def test_after_kill_9_it_starts_again_and_keeps_the_data(own_folder: Path) -> None:
    platform = begin(own_folder, find_free_port())
    platform.wait_until_announced()
    secrets = (platform.folder / "secrets.env").read_text()
    with _connect(platform.folder) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    children = platform.find_children("")
    platform.kill()
    again = begin(platform.folder, platform.port)
    try:
        again.wait_until_announced()
        with _connect(platform.folder) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        assert (platform.folder / "secrets.env").read_text() == secrets
        wait_until(lambda: not any(map(is_alive, children)))
        started = again.find_children("")
    finally:
        assert again.stop() == 0, "".join(again.output)
    assert not any(map(is_alive, started))
    assert again.get_status("/healthz") == 0


def test_command_on_a_made_installation_needs_no_variable(own_folder: Path) -> None:
    with running(own_folder):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        outcome = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--check"],
            cwd=ROOT,
            env=kept | {"DATA_DIR": str(own_folder)},
            capture_output=True,
            check=False,
        )
    assert outcome.returncode == 0, outcome.stderr
