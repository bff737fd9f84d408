"""A relying party's server on the loopback, which is told of logouts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Told:
    """One request that arrived: its path, its headers by lower-case names, its form."""

    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]

    @property
    def token(self) -> str:
        """The only parameter of the form."""
        assert list(self.form) == ["logout_token"]
        (text,) = self.form["logout_token"]
        return text


@dataclass(slots=True)
class RelyingServer:
    """What the server answers, after how many seconds, and what it was told."""

    address: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    told: list[Told] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Takes every form."""

    server_state: RelyingServer

    def do_POST(self) -> None:
        state = self.server_state
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        state.told.append(Told(self.path, headers, parse_qs(body, strict_parsing=True)))
        time.sleep(state.delay_seconds)
        self.send_response(state.status)
        for name, value in ({"Content-Length": "0"} | state.headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """A server whose clients may hang up without a word from it."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Stay silent: who waits too long hangs up."""


def serve_relying_party(host: str = "127.0.0.1") -> Iterator[RelyingServer]:
    """Serve until the test is over."""
    state = RelyingServer()
    server = Server((host, 0), type("Bound", (Handler,), {"server_state": state}))
    state.address = f"http://{host}:{server.server_port}/logged-out"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
