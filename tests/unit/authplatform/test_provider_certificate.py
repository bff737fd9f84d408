"""The certificate of the demo's outside provider is good for one address, and for the demo only."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from authplatform.env import PROVIDER_ADDRESS, Stage, read_environment
from authplatform.provider_certificate import make_once
from authplatform.secret_file import generate_secrets, write_once
from tenants.errors import OutgoingFailed
from tenants.outgoing import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import Settings

URL = f"https://{PROVIDER_ADDRESS}:8002"
PRODUCTION = {
    "AUTHPLATFORM_ENVIRONMENT": "production",
    "BASE_URL": "https://login.example",
    "ADMIN_BASE_URL": "https://admin.example",
    "DATABASE_URL": "postgresql://web@database/authplatform",
    **generate_secrets(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_once(tmp_path)
    write_once(tmp_path / "secrets.env", generate_secrets())
    return tmp_path / "demo-provider"


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


class Server(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: refused handshakes are what a test provokes."""


@contextmanager
def serving(folder: Path, address: str) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    server = Server((address, 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://{address}:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.allow_hosts(["127.0.0.1", PROVIDER_ADDRESS])
@pytest.mark.parametrize("address", [PROVIDER_ADDRESS, "127.0.0.1"])
def test_outgoing_calls_trust_it_at_its_address_only(
    folder: Path, settings: Settings, address: str
) -> None:
    settings.TENANTS_OUTGOING_CA_FILE = str(folder / "authority.pem")
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    with serving(folder, address) as url:
        if address == PROVIDER_ADDRESS:
            assert fetch(url, accepted_media_types=("application/json",)) == b"{}"
        else:
            with pytest.raises(OutgoingFailed):
                fetch(url, accepted_media_types=("application/json",))


def test_authority_may_vouch_for_nothing_else_and_its_key_is_gone(folder: Path) -> None:
    authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    allowed = [str(name.value) for name in constraints.value.permitted_subtrees or ()]
    assert (allowed, constraints.critical) == ([f"{PROVIDER_ADDRESS}/32"], True)
    kept = [path.read_bytes() for path in folder.iterdir()]
    assert sum(b"PRIVATE KEY" in text for text in kept) == 1
    assert b"PRIVATE KEY" not in (folder / "authority.pem").read_bytes()


def test_files_are_made_once(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_once(folder.parent)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_unfinished_files_are_made_again(folder: Path) -> None:
    (folder / "authority.pem").unlink()
    make_once(folder.parent)
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")


def test_embedded_demo_may_call_its_provider_and_nothing_else(folder: Path) -> None:
    environment = read_environment({"DATA_DIR": str(folder.parent)})
    assert environment.stage is Stage.EMBEDDED
    assert environment.demo_provider_url == URL
    assert environment.outgoing_private_addresses == (f"{PROVIDER_ADDRESS}/32",)
    assert environment.outgoing_ca_file == str(folder / "authority.pem")


@pytest.mark.parametrize(
    ("given", "addresses", "file"),
    [
        pytest.param(PRODUCTION, (), "", id="production"),
        pytest.param({"DATABASE_URL": "postgresql://w@d/n"}, (), "", id="a database of one's own"),
        pytest.param(
            {"OUTGOING_PRIVATE_ADDRESSES": "10.0.0.0/8"},
            ("10.0.0.0/8",),
            "",
            id="addresses of one's own",
        ),
        pytest.param({"OUTGOING_PRIVATE_ADDRESSES": ""}, (), "", id="no addresses"),
        pytest.param(
            {"OUTGOING_CA_FILE": "/ca.pem"}, (), "/ca.pem", id="an authority of one's own"
        ),
    ],
)
def test_everywhere_else_nothing_is_loosened(
    folder: Path, given: dict[str, str], addresses: tuple[str, ...], file: str
) -> None:
    environment = read_environment({"DATA_DIR": str(folder.parent), **given})
    assert environment.demo_provider_url == ""
    assert environment.outgoing_private_addresses == addresses
    assert environment.outgoing_ca_file == file
