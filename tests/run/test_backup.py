"""A backup restored elsewhere goes on where it was taken: docs/operations.md, by hand."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from authplatform.env import read_assignments
from authplatform.postgres import EmbeddedPostgres, find_binaries, owner_url
from tests.embedded import FAST_AND_LOOSE, make_reachable_folder
from tests.run.platform_process import Platform, running, wait_until

TENANT = "/t/demo/seeds/onewelcome"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_reachable_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _call(
    platform: Platform, path: str, client: str, secret: str, **form: str
) -> dict[str, object]:
    """Send a form as a client that authenticates in the body."""
    body = urllib.parse.urlencode({"client_id": client, "client_secret": secret, **form}).encode()
    address = f"http://localhost:{platform.port}{TENANT}{path}"
    with urllib.request.urlopen(address, data=body, timeout=10) as answer:
        read: dict[str, object] = json.load(answer)
    return read


def _restore_elsewhere(url: str, server: EmbeddedPostgres, file: Path) -> None:
    """Dump a database and restore it on a server that has never seen the platform."""
    binaries = find_binaries()
    subprocess.run(  # noqa: S603 - the wheel's own programs.
        [str(binaries / "pg_dump"), "--format=custom", f"--file={file}", url], check=True
    )
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE authplatform_app NOLOGIN")
        connection.execute("CREATE ROLE authplatform_console NOLOGIN")
    subprocess.run(  # noqa: S603 - as above.
        [str(binaries / "pg_restore"), "--exit-on-error", f"--dbname={server.url}", str(file)],
        check=True,
    )


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    started = EmbeddedPostgres(folder / "server", FAST_AND_LOOSE)
    started.start()
    yield started
    started.stop()


def test_restored_backup_knows_every_token(folder: Path, server: EmbeddedPostgres) -> None:
    with running(folder / "first") as first:
        demo = read_assignments(first.folder / "demo.env")
        secret = demo["DEMO_ONEWELCOME_OPAQUE_SECRET"]
        gateway = demo["DEMO_ONEWELCOME_GATEWAY_SECRET"]
        form = {"grant_type": "client_credentials"}
        token = str(_call(first, "/oauth/token", "opaque-client", secret, **form)["access_token"])
        _restore_elsewhere(owner_url(first.folder / "postgres"), server, folder / "backup")
        secrets = read_assignments(first.folder / "secrets.env")
    with running(folder / "second", {**secrets, "DATABASE_URL": server.url}) as second:
        wait_until(lambda: second.get_status("/readyz") == 200)
        told = _call(second, "/oauth/introspect", "gateway", gateway, token=token)
        issued = _call(second, "/oauth/token", "opaque-client", secret, **form)
    assert told["active"] is True
    assert issued["token_type"]
