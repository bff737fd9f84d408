"""An outside issuer of opaque tokens: a real server on the loopback that answers about them."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID = "us at them"
SECRET = "pass:word+ of ours"
PREFIX = "pt-"


@dataclass(slots=True)
class Issuer:
    """What the server answers, by token, and what it was asked; `raw` answers whatever it says."""

    endpoint: str = ""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    raw: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    is_reached: threading.Event = field(default_factory=threading.Event)

    def put(self, token: str, **claims: Any) -> str:  # noqa: ANN401 - JSON.
        """Make a token active with these claims; one of None is left out."""
        now = int(time.time())
        stated = {"active": True, "sub": "alice", "iat": now, "exp": now + 300, **claims}
        self.answers[token] = {k: v for k, v in stated.items() if v is not None}
        return token


class Handler(BaseHTTPRequestHandler):
    """Answers RFC 7662 to the one client that it knows, and 401 to everybody else."""

    issuer: Issuer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        scheme, _, encoded = self.headers["Authorization"].partition(" ")
        name, _, secret = b64decode(encoded).decode().partition(":")
        known = (scheme, unquote_plus(name), unquote_plus(secret)) == ("Basic", CLIENT_ID, SECRET)
        self.issuer.asked.append(form["token"])
        self.issuer.is_reached.set()
        if self.issuer.gate is not None:
            self.issuer.gate.wait(10)
        answer = self.issuer.answers.get(form["token"], {"active": False})
        text = json.dumps(answer).encode() if self.issuer.raw is None else self.issuer.raw
        self.send_response(self.issuer.status if known else 401)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        for header, value in (headers | self.issuer.headers).items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """A server whose clients may hang up without a word from it."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Stay silent: refused answers are what some tests provoke."""


def serve_issuer() -> Iterator[Issuer]:
    """Serve an issuer until the test is over."""
    issuer = Issuer()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"issuer": issuer}))
    issuer.endpoint = f"http://127.0.0.1:{server.server_port}/introspect"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield issuer
    if issuer.gate is not None:
        issuer.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()
