"""oidc-client-ts, unmodified, on a page of another origin in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Error

from tests.browser_person import PASSWORD
from tests.clients import node_programs
from tests.clients.openid import OpenIDClient, make_openid_client
from tests.live.browser_visitor import Visitor, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("node")]
PAGE = Path(__file__).with_name("spa.html")
LIBRARY = Path("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js")
AXE = Path("node_modules/axe-core/axe.min.js")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node_programs.install(tmp_path_factory.mktemp("spa"))


class Handler(BaseHTTPRequestHandler):
    """Serves the page, whatever its query, and what it loads."""

    files: dict[str, tuple[str, bytes]]

    def do_GET(self) -> None:
        kind, body = self.files.get(urlsplit(self.path).path, self.files["/"])
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


@contextlib.contextmanager
def serving(programs: Path) -> Iterator[tuple[str, dict[str, tuple[str, bytes]]]]:
    """Serve the page until the test is over; answer its origin, and the files for more of them."""
    files = {
        "/": ("text/html", PAGE.read_bytes()),
        "/oidc-client-ts.min.js": ("text/javascript", (programs / LIBRARY).read_bytes()),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"files": files}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def opened_page(
    live: Installation, programs: Path, folder: Path, *origins: str
) -> Iterator[tuple[OpenIDClient, Visitor]]:
    """Open the page of a client in a browser; only its own origin may ask, unless others do."""
    with serving(programs) as (origin, files):
        client = make_openid_client(
            live,
            "spa",
            kind="spa",
            token_endpoint_auth_method="none",
            redirect_uris=f"{origin}/callback",
            post_logout_redirect_uris=f"{origin}/bye",
            cors_allowed_origins=list(origins) or [origin],
        )
        settings = {
            "authority": client.issuer,
            "client_id": client.client_id,
            "redirect_uri": f"{origin}/callback",
            "post_logout_redirect_uri": f"{origin}/bye",
            "scope": "openid email offline_access",
            "loadUserInfo": True,
            "monitorSession": False,
        }
        files["/settings.json"] = ("application/json", json.dumps(settings).encode())
        with visiting(origin, programs / AXE, folder) as visitor:
            visitor.open("/")
            yield client, visitor


def sign_in(client: OpenIDClient, visitor: Visitor) -> None:
    """Let the library send its visitor away, and the person do what the pages ask."""
    visitor.page.evaluate("() => { ready.then(manager => manager.signinRedirect()) }")
    visitor.page.wait_for_selector("#identifier")
    visitor.fill("sign-in", identifier=client.email, password=PASSWORD)
    visitor.page.click("#allow")
    visitor.page.wait_for_url(f"{visitor.base}/callback?**")


def call(visitor: Visitor, method: str) -> Any:  # noqa: ANN401 - any JSON.
    """Call the library, and answer what it answers."""
    return visitor.page.evaluate(f"async () => (await ready).{method}()")


def test_page_signs_in_renews_revokes_and_signs_out(
    live: Installation, programs: Path, tmp_path: Path
) -> None:
    with opened_page(live, programs, tmp_path) as (client, visitor):
        sign_in(client, visitor)
        user = call(visitor, "signinRedirectCallback")
        assert user["profile"]["email"] == client.email
        renewed = call(visitor, "signinSilent")
        assert renewed["refresh_token"] != user["refresh_token"]
        assert renewed["profile"]["sub"] == user["profile"]["sub"]
        visitor.page.evaluate("() => { ready.then(manager => manager.signoutRedirect()) }")
        visitor.page.wait_for_url(f"{visitor.base}/bye**")
        call(visitor, "signoutRedirectCallback")
        assert visitor.complaints == []


def test_page_ends_its_tokens(live: Installation, programs: Path, tmp_path: Path) -> None:
    with opened_page(live, programs, tmp_path) as (client, visitor):
        sign_in(client, visitor)
        user = call(visitor, "signinRedirectCallback")
        call(visitor, "revokeTokens")
        address = f"{client.issuer}/oauth/userinfo"
        bearer = {"Authorization": f"Bearer {user['access_token']}"}
        assert requests.get(address, headers=bearer, timeout=10).status_code == 401
        assert visitor.complaints == []


def test_page_of_another_origin_learns_nothing(
    live: Installation, programs: Path, tmp_path: Path
) -> None:
    with opened_page(live, programs, tmp_path, "https://another.example") as (client, visitor):
        sign_in(client, visitor)
        with pytest.raises(Error, match="Failed to fetch"):
            call(visitor, "signinRedirectCallback")
        assert "blocked by CORS policy" in visitor.complaints[0]
