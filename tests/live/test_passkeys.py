"""Passkeys in a real Chromium with a virtual authenticator, which DevTools plugs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authplatform.env import read_assignments
from tests.clients import node_programs
from tests.live.browser_visitor import Visitor, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.installation import Installation

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("node")]
SHOP = "/t/demo/people/shop"
BEN = "ben@shop.example"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class VirtualDevice:
    """The authenticator of a visitor's browser; the person behind it may be a stranger to it."""

    def __init__(self, visitor: Visitor) -> None:
        """Plug it in."""
        self._session = visitor.page.context.new_cdp_session(visitor.page)
        self._session.send("WebAuthn.enable")
        plugged = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        self._id = plugged["authenticatorId"]

    def recognise(self, *, is_owner: bool) -> None:
        """Say whether the finger is its owner's."""
        facts = {"authenticatorId": self._id, "isUserVerified": is_owner}
        self._session.send("WebAuthn.setUserVerified", facts)

    @property
    def count(self) -> int:
        """How many passkeys it has."""
        facts = {"authenticatorId": self._id}
        return len(self._session.send("WebAuthn.getCredentials", facts)["credentials"])


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of axe-core, as its package has it."""
    folder = node_programs.install(tmp_path_factory.mktemp("axe"))
    return folder / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.requirement("WebAuthn", "7", "A passkey is made once, and signs in until removed.")
def test_passkey_is_made_used_and_removed(live: Installation, axe: Path, tmp_path: Path) -> None:
    password = read_assignments(live.platform.folder / "demo.env")["DEMO_SHOP_PASSWORD"]
    base = f"http://localhost:{live.platform.port}{SHOP}"
    with visiting(base, axe, tmp_path, locale="en-GB") as visitor:
        device = VirtualDevice(visitor)
        visitor.open("/sign-in")
        visitor.look("sign-in")
        visitor.fill("sign-in", identifier=BEN, password=password)
        make(visitor)
        assert device.count == 1
        be_told_of_the_same_device(visitor)
        sign_out(visitor)
        be_a_stranger(visitor, device)
        visitor.open("/sign-in")
        visitor.page.click("#by-passkey")
        visitor.page.wait_for_url("**/account")
        remove(visitor)
        sign_out(visitor)
        visitor.open("/sign-in")
        visitor.page.click("#by-passkey")
        visitor.page.wait_for_selector("text=This passkey does not work here")
    assert visitor.complaints == []


def make(visitor: Visitor) -> None:
    visitor.page.click("#add-passkey")
    visitor.page.wait_for_selector("#add")
    visitor.look("new-passkey")
    visitor.fill("add", label="Ben's laptop")
    visitor.page.wait_for_selector("#notice")
    visitor.look("account")
    assert "Ben's laptop" in visitor.page.content()


def be_told_of_the_same_device(visitor: Visitor) -> None:
    visitor.page.click("#add-passkey")
    visitor.page.click("#add")
    visitor.page.wait_for_selector("#passkey-problem", state="visible")
    visitor.look("same-device")


def be_a_stranger(visitor: Visitor, device: VirtualDevice) -> None:
    """The device does not recognise the person: nothing is sent at all."""
    device.recognise(is_owner=False)
    visitor.open("/sign-in")
    visitor.page.click("#by-passkey")
    visitor.page.wait_for_selector("#passkey-problem", state="visible")
    visitor.look("not-recognised")
    device.recognise(is_owner=True)


def sign_out(visitor: Visitor) -> None:
    visitor.open("/oauth/logout")
    visitor.page.click("#sign-out")


def remove(visitor: Visitor) -> None:
    visitor.page.click("#remove-passkey-1")
    visitor.page.click("button[type=submit]")
    visitor.page.wait_for_selector("#notice")
