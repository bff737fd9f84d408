"""Registers clients over HTTP, as an application does, and serves documents that describe them."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.utils import timezone

from tenants.models import InitialAccessToken
from tenants.records import SYSTEM
from tenants.services.registration_tokens import create_initial_access_token
from tests.factories.tenants import make_tenant
from tests.oauth_client import OAuthClient
from tests.unit.tenants.answering_server import Server, issue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

CALLBACK = "https://new.example/callback"
JSON_TYPE = "application/json"


class Registering:
    """Somebody who registers clients at one issuer."""

    def __init__(self, tenant: Tenant, token: str = "") -> None:
        """Know the issuer, and an initial access token if it wants one."""
        self.tenant = tenant
        self.token = token
        self.oauth = OAuthClient(tenant)

    def post(self, document: Any = None, **members: Any) -> HttpResponse:  # noqa: ANN401 - JSON.
        """Register a client with one redirect URI and what else is said."""
        asked = {"redirect_uris": [CALLBACK], **members} if document is None else document
        return self.post_raw(json.dumps(asked))

    def post_raw(self, body: str | bytes, content_type: str = JSON_TYPE) -> HttpResponse:
        """Send a body as it is."""
        path = "/oauth/register"
        return self.oauth.post_raw(path, body, content_type=content_type, **bearer(self.token))

    def register(self, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON.
        """Register a client and answer its description."""
        answer = self.post(**members)
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def manage(
        self,
        method: str,
        made: dict[str, Any],
        document: Any = None,  # noqa: ANN401 - any JSON.
        token: str | None = None,
    ) -> HttpResponse:
        """Call the address where a client manages itself, by its own token."""
        path = "/t/" + made["registration_client_uri"].partition("/t/")[2]
        text = made["registration_access_token"] if token is None else token
        body = "" if document is None else json.dumps(document)
        return self.oauth.http.generic(
            method, path, body, content_type=JSON_TYPE, headers=bearer(text)
        )


def bearer(token: str) -> dict[str, str]:
    """Write the header that presents a token; none where there is none."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def make_open(slug: str = "globex", **tenant: Any) -> Registering:  # noqa: ANN401 - fields.
    """Make a tenant at which anybody may register."""
    return Registering(make_tenant(slug, client_registration="open", **tenant))


def make_initial_access_token(tenant: Tenant, **fields: Any) -> str:  # noqa: ANN401 - as above.
    """Make a token that registers one client within the hour."""
    fields.setdefault("expires_at", timezone.now() + timedelta(hours=1))
    token = InitialAccessToken(tenant=tenant, label="a developer", **fields)
    return create_initial_access_token(token, actor=SYSTEM)


@dataclass(slots=True)
class Documents:
    """What a server on the loopback answers by path, and which paths it was asked for."""

    address: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    media_type: str = JSON_TYPE
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, document: Any) -> str:  # noqa: ANN401 - any JSON.
        """Serve a document and answer its address."""
        self.answers[path] = json.dumps(document).encode()
        return self.address + path

    def describe(self, path: str = "/app", **members: Any) -> str:  # noqa: ANN401 - any JSON.
        """Serve the metadata of a client and answer its id; None leaves a member out."""
        usual = {
            "client_id": self.address + path,
            "client_name": "The new app",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid read",
        }
        said = {name: value for name, value in (usual | members).items() if value is not None}
        return self.put(path, said)


def serve_documents(folder: Path) -> Iterator[Documents]:
    """Serve over TLS until the test is over; `ca.pem` in the folder is who vouches for it."""
    root, root_key = issue("test root", None)
    name = x509.IPAddress(ip_address("127.0.0.1"))
    leaf, leaf_key = issue("documents", (root.subject, root_key), name)
    private = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    state = Documents()
    server = Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"state": state}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.address = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Documents

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        body = self.state.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", self.state.media_type)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""
