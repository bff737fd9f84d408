"""An application sends a person to sign in and agree, in a real Chromium with its own policies.

Each page is judged by axe-core. Source: WCAG 2.2; RFC 9700 section 4.16 for the policies.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from authplatform.env import read_assignments
from tests.clients import node_programs
from tests.factories.code_flow import VERIFIER, challenge_of
from tests.live.browser_visitor import Visitor, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.installation import Installation

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("node")]
SHOP = "/t/demo/people/shop"
LIGHT: dict[str, Any] = {"viewport": {"width": 1000, "height": 760}, "locale": "en-GB"}
DARK_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "locale": "de-AT",
    "color_scheme": "dark",
}


class Application:
    """An application on the person's own device, which sends them on to another site."""

    def __init__(self) -> None:
        """Listen at a port of its own choice. Source: RFC 8252 section 7.3."""
        self.called: list[tuple[str, dict[str, list[str]]]] = []
        application = self

        class Callback(BaseHTTPRequestHandler):
            """Whatever the browser brings."""

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path != "/callback":
                    self._answer(200)
                    return
                application.called.append(("GET", parse_qs(parts.query)))
                self._answer(303)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                application.called.append(("POST", parse_qs(body)))
                self._answer(303)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Location", application.home)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
        self.port = self.server.server_port
        self.home = f"http://localhost:{self.port}/home"

    def request(self, **parameters: str) -> str:
        """Write an authorization request."""
        asked = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": f"http://127.0.0.1:{self.port}/callback",
            "scope": "openid profile orders:read orders:write offline_access",
            "state": "s",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize?{urlencode(asked | parameters)}"


@pytest.fixture
def application() -> Iterator[Application]:
    made = Application()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@contextmanager
def arriving(live: Installation, folder: Path, **context: Any) -> Iterator[Visitor]:  # noqa: ANN401 - Playwright's.
    """Open a browser at the demo's shop, with axe-core as its package has it."""
    programs = node_programs.install(folder)
    axe = programs / "node_modules" / "axe-core" / "axe.min.js"
    base = f"http://localhost:{live.platform.port}{SHOP}"
    with visiting(base, axe, folder, **context) as visitor:
        yield visitor


def sign_in(live: Installation, visitor: Visitor) -> None:
    password = read_assignments(live.platform.folder / "demo.env")["DEMO_SHOP_PASSWORD"]
    visitor.fill("sign-in", identifier="ben@shop.example", password=password)


@pytest.mark.parametrize(
    ("context", "words"),
    [
        pytest.param(LIGHT, "Order in your name", id="light"),
        pytest.param(DARK_PHONE, "In Ihrem Namen bestellen", id="dark-phone-german"),
    ],
)
def test_person_agrees_and_goes_on_across_sites(
    live: Installation,
    application: Application,
    tmp_path: Path,
    context: dict[str, Any],
    words: str,
) -> None:
    """No policy of ours stops the redirects that follow the form, wherever they lead."""
    with arriving(live, tmp_path, **context) as visitor:
        visitor.open(application.request(prompt="consent"))
        sign_in(live, visitor)
        visitor.page.wait_for_selector("#consent-form")
        visitor.look("consent")
        assert words in visitor.page.locator("main").inner_text()
        visitor.page.click("#allow")
        visitor.page.wait_for_url(application.home)
        visitor.open(application.request(scope="openid profile"))
        visitor.look("confirm")
        visitor.page.click("#deny")
        visitor.page.wait_for_url(application.home)
    (_, allowed), (_, denied) = application.called
    assert allowed["code"]
    assert denied["error"] == ["access_denied"]
    assert visitor.complaints == []


@pytest.mark.parametrize(
    "scripts", [pytest.param(True, id="scripts"), pytest.param(False, id="no-scripts")]
)
def test_form_post_goes_by_itself_and_without_scripts_by_a_button(
    live: Installation, application: Application, tmp_path: Path, *, scripts: bool
) -> None:
    with arriving(live, tmp_path, java_script_enabled=scripts, **LIGHT) as visitor:
        visitor.open(application.request(response_mode="form_post", prompt="consent"))
        sign_in(live, visitor)
        visitor.page.click("#allow")
        if not scripts:
            visitor.page.click("#continue")
        visitor.page.wait_for_url(application.home)
    ((method, sent),) = application.called
    assert (method, sent["state"]) == ("POST", ["s"])
    assert sent["code"]
    assert visitor.complaints == []
