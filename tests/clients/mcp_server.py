"""The official MCP server behind a guard that knows nothing but our metadata and introspection."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import requests
import uvicorn
from mcp.server.mcpserver import MCPServer

from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0


@dataclass(slots=True)
class ToolServer:
    """Where the tools are, who issues tokens for them, and as whom those are introspected."""

    address: str = ""
    issuer: str = ""
    secret: str = field(default="", repr=False)
    email: str = ""
    scopes: list[str] = field(default_factory=list)

    @property
    def challenge(self) -> str:
        """What tells a client where to begin. Source: RFC 9728 section 5.1."""
        before, _, path = self.issuer.partition("/t/")
        metadata = f"{before}/.well-known/oauth-protected-resource/t/{path}/apis/tools"
        return f'Bearer resource_metadata="{metadata}"'

    def lets_in(self, authorization: str) -> bool:
        """Ask the platform about a token, and remember what it reaches."""
        if not authorization.startswith("Bearer "):
            return False
        said = requests.post(
            f"{self.issuer}/oauth/introspect",
            data={"token": authorization[7:]},
            auth=("gateway", self.secret),
            timeout=SECONDS,
        ).json()
        if said["active"] and said["aud"] == self.address:
            self.scopes.append(said["scope"])
            return True
        return False


def serve_tools() -> Iterator[ToolServer]:
    """Serve until the tests are over."""
    state = ToolServer()
    tools: MCPServer[Any] = MCPServer("tools")

    @tools.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    app = tools.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's.
        headers = {name: text.decode() for name, text in scope.get("headers", ())}
        authorization = headers.get(b"authorization", "")
        is_request = scope["type"] == "http"
        if is_request and not await anyio.to_thread.run_sync(state.lets_in, authorization):
            challenge = [(b"www-authenticate", state.challenge.encode())]
            await send({"type": "http.response.start", "status": 401, "headers": challenge})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    state.address = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    server = uvicorn.Server(uvicorn.Config(guarded, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: server.started, SECONDS)
    yield state
    server.should_exit = True
    thread.join(SECONDS)
    listener.close()
