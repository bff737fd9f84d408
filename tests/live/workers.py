"""Connections of which the test knows the worker process that answers them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

HOST = "127.0.0.1"
ESTABLISHED = "01"
ATTEMPTS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, header names in lower case; a connection that broke has the status 0."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process of the web server, on a connection that stays open."""

    pid: int
    connection: http.client.HTTPConnection
    live: Installation

    def post(self, path: str, client_id: str, **form: str) -> Answer:
        return post(self.connection, self.live, path, client_id, **form)

    def introspect(self, token: str) -> dict[str, Any]:
        return self.post("/oauth/introspect", "gateway", token=token).body

    def ask(self, client_id: str) -> Answer:
        return self.post("/oauth/token", client_id, grant_type="client_credentials")


def post(
    connection: http.client.HTTPConnection,
    live: Installation,
    path: str,
    client_id: str,
    **form: str,
) -> Answer:
    """Send a form with HTTP Basic on this connection."""
    credentials = b64encode(":".join(live.credentials(client_id)).encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        connection.request("POST", f"/t/live/test/acme{path}", urlencode(form), headers)
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return Answer(0, {}, {})
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, _parse(content), headers)


@contextlib.contextmanager
def each_worker(live: Installation) -> Iterator[list[Worker]]:
    """Connect until every worker process of the web server has a connection of ours."""
    found: dict[int, Worker] = {}
    count = os.cpu_count() or 1
    try:
        wait_until(lambda: live.platform.get_status("/readyz") == 200)
        for _ in range(ATTEMPTS):
            worker = _connect(live)
            if worker.pid in found:
                worker.connection.close()
            found.setdefault(worker.pid, worker)
            if len(found) == count:
                break
        assert len(found) == count, f"only {sorted(found)} of {count} workers answered"
        yield list(found.values())
    finally:
        for worker in found.values():
            worker.connection.close()


def _connect(live: Installation) -> Worker:
    port = live.platform.port
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    own_port = connection.sock.getsockname()[1]
    return Worker(_find_owner(live, _find_inode(port, own_port)), connection, live)


def _find_inode(server_port: int, client_port: int) -> str:
    """Find the server's end of a connection in the kernel's table."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        if state == ESTABLISHED and (_port(local), _port(remote)) == (server_port, client_port):
            return rest[5]
    message = f"no connection from {client_port} to {server_port}"
    raise AssertionError(message)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _find_owner(live: Installation, inode: str) -> int:
    for pid in live.platform.find_children("authplatform.wsgi"):
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if descriptor.readlink().name == f"socket:[{inode}]":
                        return pid
    message = f"no worker holds the socket {inode}"
    raise AssertionError(message)


def _parse(content: bytes) -> dict[str, Any]:
    return dict(json.loads(content)) if content.startswith(b"{") else {}
