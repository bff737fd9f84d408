"""Real servers on the loopback, with TLS and an authority made on the spot."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

BODY = b'{"keys":[]}'


class Answers(BaseHTTPRequestHandler):
    """Answers each path in its own way and records what it was asked."""

    requests: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        getattr(self, f"_{self.path.lstrip('/').partition('?')[0] or 'good'}")()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.requests.append((self.path, headers | {":body": body}))
        getattr(self, f"_{self.path.lstrip('/') or 'good'}")()

    def _head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Type": "application/json"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _good(self) -> None:
        self._head(Content_Length=str(len(BODY)), Content_Type="application/json; charset=utf-8")
        self.wfile.write(BODY)

    def _redirect(self) -> None:
        self._head(302, Location="/good", Content_Length="0")

    def _missing(self) -> None:
        self._head(404, Content_Length="0")

    def _html(self) -> None:
        self._head(Content_Type="text/html", Content_Length="0")

    def _compressed(self) -> None:
        self._head(Content_Encoding="gzip", Content_Length="0")

    def _announced(self) -> None:
        self._head(Content_Length="1000000")

    def _endless(self) -> None:
        self._head()
        self._write_until_closed(b"x" * 4096, 0.0)

    def _drip(self) -> None:
        self._head()
        self._write_until_closed(b"x", 0.02)

    def _cut(self) -> None:
        self._head(Content_Length="100")
        self.wfile.write(b"x")
        self.close_connection = True

    def _write_until_closed(self, octets: bytes, pause: float) -> None:
        self.close_connection = True
        try:
            while True:
                self.wfile.write(octets)
                time.sleep(pause)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """A server whose clients may hang up without a word from it."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Stay silent: refused handshakes are what some tests provoke."""


def issue(
    name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None, *names: x509.GeneralName
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer_name, signer_key = issuer or (subject, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(signer_name, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer_key, hashes.SHA256()), key


def serve(context: ssl.SSLContext | None) -> Iterator[Server]:
    handler = type("Recorded", (Answers,), {"requests": []})
    server = Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
