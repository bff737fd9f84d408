"""`make run` with servers that stand elsewhere: PostgreSQL, and Redis where there is one."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from authplatform.postgres import EmbeddedPostgres
from tests.conftest import find_program
from tests.embedded import FAST_AND_LOOSE, make_reachable_folder
from tests.run.platform_process import find_free_port, running, wait_until


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    folder = make_reachable_folder()
    started = EmbeddedPostgres(folder / "server", FAST_AND_LOOSE)
    started.start()
    yield started
    started.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    program = find_program("redis-server")
    assert program is not None
    port = find_free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    command = [program, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - as found.
        yield f"redis://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)


def _count_tables(url: str, pattern: str) -> int:
    query = "SELECT count(*) FROM pg_tables WHERE schemaname || '.' || tablename LIKE %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [pattern]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.needs("redis-server")
def test_database_broker_and_cache_elsewhere(
    server: EmbeddedPostgres, redis_url: str, tmp_path: Path
) -> None:
    variables = {
        "DATABASE_URL": server.url,
        "CELERY_BROKER_URL": f"{redis_url}/0",
        "REDIS_URL": f"{redis_url}/1",
    }
    with running(tmp_path / "data", variables) as platform:
        wait_until(lambda: platform.get_status("/readyz") == 200)
        said = "".join(platform.output)
        assert not (tmp_path / "data" / "postgres").exists()
        assert platform.find_children("bin/postgres") == []
    assert "manage.py createsuperuser" in said
    assert "curl " not in said
    assert _count_tables(server.url, "public.tenants_user") == 1
    assert _count_tables(server.url, "pgmq.%") == 0
    assert _count_tables(server.url, "public.authplatform_cache") == 0
