"""The example resource server of the documentation, beside the running platform."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from tests.run.platform_process import ROOT, find_free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def hello(live: Installation) -> Iterator[str]:
    """Serve docs/examples/resource_server.py for our tenant; give the address of its resource."""
    port = find_free_port()
    url = f"http://{HOST}:{port}/hello"
    with subprocess.Popen(  # noqa: S603 - our own command.
        _command(port), cwd=ROOT, env=_variables(live)
    ) as process:
        try:
            wait_until(lambda: process.poll() is not None or _status(url) == 401, 20)
            assert process.poll() is None, "the example ended; its own words stand above"
            yield url
        finally:
            process.terminate()


def test_jwt_is_accepted_by_the_published_keys(live: Installation, hello: str) -> None:
    token = live.fetch_token("service")["access_token"]
    assert token.count(".") == 2
    answer = _get(hello, token)
    assert (answer.status_code, answer.json()) == (200, {"hello": "service", "scope": "read"})


def test_opaque_token_is_accepted_by_introspection_until_it_is_revoked(
    live: Installation, hello: str
) -> None:
    token = live.fetch_token("opaque")["access_token"]
    assert len(token) == 64
    assert _get(hello, token).json() == {"hello": "opaque", "scope": "read"}

    assert live.post("/oauth/revoke", "opaque", token=token).status_code == 200
    answer = _get(hello, token)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401,
        f'Bearer error="invalid_token", resource_metadata="{metadata_address(live)}"',
    )
    described = requests.get(metadata_address(live), timeout=10).json()
    assert described["resource"] == "https://orders.example/"
    assert described["authorization_servers"] == [live.issuer]


@pytest.mark.parametrize("client_id", ["invoicing", "invoicing-opaque"])
def test_token_for_another_api_is_refused(live: Installation, hello: str, client_id: str) -> None:
    token = live.fetch_token(client_id)["access_token"]
    assert live.introspect(token, client_id)["aud"] == "https://invoices.example/"
    assert _get(hello, token).status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "0" * 64])
def test_what_is_no_token_is_refused(hello: str, token: str) -> None:
    assert _get(hello, token).status_code == 401


def metadata_address(live: Installation) -> str:
    return f"{live.issuer}/apis/orders/.well-known/oauth-protected-resource"


def _command(port: int) -> list[str]:
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--log-level=warning"]
    where = [f"--host={HOST}", f"--port={port}", f"--working-dir={ROOT / 'docs' / 'examples'}"]
    return [*granian, "--no-access-log", *where, "resource_server:application"]


def _variables(live: Installation) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "RESOURCE_SERVER_ISSUER": live.issuer,
        "RESOURCE_SERVER_AUDIENCE": "https://orders.example/",
        "RESOURCE_SERVER_METADATA": metadata_address(live),
        "RESOURCE_SERVER_CLIENT_ID": "gateway",
        "RESOURCE_SERVER_CLIENT_SECRET": live.secrets["gateway"],
    }


def _get(url: str, token: str) -> requests.Response:
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0
