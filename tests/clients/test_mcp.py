"""The official MCP clients connect by themselves: nobody has registered them anywhere."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from mcp.types import TextContent
from pydantic import AnyUrl

from authplatform.env import PROVIDER_ADDRESS, PROVIDER_FOLDER
from authplatform.provider_certificate import CERTIFICATE, PRIVATE_KEY
from tests.clients import node_programs
from tests.clients.mcp_server import ToolServer, serve_tools
from tests.clients.walking_person import WalkingPerson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

    from tests.live.installation import Installation

CALLBACK = "http://127.0.0.1:43210/callback"
SECONDS = 30.0


@pytest.fixture(scope="module")
def tools(live: Installation) -> Iterator[ToolServer]:
    for server in serve_tools():
        made = live.shell.call("make_tools_tenant", audience=server.address)
        server.issuer = live.issuer.rpartition("/")[0] + "/tools"
        server.secret, server.email = made["secret"], made["email"]
        yield server


class Storage:
    """Keeps what the client learns."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def add_by_python(tools: ToolServer, storage: Storage, document: str | None) -> int:
    """Connect, call the tool, and answer what it says."""
    person = WalkingPerson(tools.email)
    told: dict[str, str] = {}

    async def redirect(address: str) -> None:
        told.update(await anyio.to_thread.run_sync(person.authorize, address, CALLBACK))

    async def receive() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told["iss"])

    provider = OAuthClientProvider(
        tools.address,
        OAuthClientMetadata(client_name="A tool user", redirect_uris=[AnyUrl(CALLBACK)]),
        storage,
        redirect,
        receive,
        client_metadata_url=document,
    )
    async with (
        httpx2.AsyncClient(auth=provider, timeout=SECONDS) as http,
        streamable_http_client(tools.address, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        result = await session.call_tool("add", {"a": 2, "b": 3})
    assert person.pages == ["password-form", "consent-form"]
    (said,) = result.content
    assert isinstance(said, TextContent)
    return int(said.text)


def test_python_client_registers_itself(tools: ToolServer) -> None:
    storage = Storage()

    assert anyio.run(add_by_python, tools, storage, None) == 5

    assert storage.client is not None
    assert storage.client.client_secret is not None
    assert storage.client.scope == "offline_access tools:call"
    assert tools.scopes[-1] == "tools:call"
    assert storage.tokens is not None
    assert storage.tokens.refresh_token is not None


@pytest.fixture
def document(live: Installation) -> Iterator[str]:
    """Serve the document of a client at the only address that an embedded platform calls."""
    folder = live.platform.folder / PROVIDER_FOLDER
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / CERTIFICATE, folder / PRIVATE_KEY)
    server = ThreadingHTTPServer((PROVIDER_ADDRESS, 0), Document)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield address_of(server)
    server.shutdown()
    thread.join()
    server.server_close()


def address_of(server: Any) -> str:  # noqa: ANN401 - any server of the standard library.
    return f"https://{PROVIDER_ADDRESS}:{server.server_port}/client.json"


class Document(BaseHTTPRequestHandler):
    """The metadata of a client."""

    def do_GET(self) -> None:
        described = {
            "client_id": address_of(self.server),
            "client_name": "A tool user",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "tools:call offline_access",
        }
        body = json.dumps(described).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


def test_python_client_brings_a_document(tools: ToolServer, document: str) -> None:
    storage = Storage()

    assert anyio.run(add_by_python, tools, storage, document) == 5

    assert storage.client is not None
    assert storage.client.client_id == document
    assert tools.scopes[-1] == "tools:call"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node_programs.install(tmp_path_factory.mktemp("clients"))


@pytest.mark.needs("node")
@pytest.mark.parametrize("is_described", [False, True], ids=["registers", "brings a document"])
def test_typescript_client(
    tools: ToolServer,
    programs: Path,
    document: str,
    is_described: bool,  # noqa: FBT001 - a table.
) -> None:
    url = document if is_described else None
    asked = {"server": tools.address, "callback": CALLBACK, "document": url}
    begun = node_programs.run(programs, "mcp", **asked)
    person = WalkingPerson(tools.email)
    told = person.authorize(begun["address"], CALLBACK)

    said = node_programs.run(programs, "mcp", **asked, kept=begun["kept"], told=told)

    assert person.pages == ["password-form", "consent-form"]
    assert said["sum"] == "5"
    assert (said["kept"]["client"]["client_id"] == document) is is_described
    assert said["kept"]["tokens"]["scope"] == "tools:call"
    assert tools.scopes[-1] == "tools:call"
