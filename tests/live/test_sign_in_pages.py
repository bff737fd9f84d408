"""The pages where people sign in, in a real Chromium: light, dark, on a phone, in German.

Each is judged by axe-core: names, labels, language, contrast, headings. Source: WCAG 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authplatform.env import read_assignments
from tests.clients import node_programs
from tests.live.browser_visitor import Mailbox, Visitor, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.installation import Installation

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("node")]
SHOP = "/t/demo/people/shop"
BEN = "ben@shop.example"
LIGHT = {"viewport": {"width": 1000, "height": 760}, "locale": "en-GB"}
DARK_PHONE = {
    "viewport": {"width": 390, "height": 844},
    "locale": "de-AT",
    "color_scheme": "dark",
}


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of axe-core, as its package has it."""
    folder = node_programs.install(tmp_path_factory.mktemp("axe"))
    return folder / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize(
    ("context", "language", "heading"),
    [
        pytest.param(LIGHT, "en", "Sign in", id="light"),
        pytest.param(DARK_PHONE, "de", "Anmelden", id="dark-phone-german"),
    ],
)
def test_every_page_of_signing_in_can_be_read_by_anybody(
    live: Installation,
    axe: Path,
    tmp_path: Path,
    context: dict[str, Any],
    language: str,
    heading: str,
) -> None:
    base = f"http://localhost:{live.platform.port}{SHOP}"
    with visiting(base, axe, tmp_path, **context) as visitor:
        visitor.open("/sign-in")
        assert visitor.page.locator("html").get_attribute("lang") == language
        assert visitor.page.locator("h1").inner_text() == heading
        sign_in_wrongly(visitor)
        sign_in_by_mail(visitor, live.platform.folder / "mail")
        make_account(visitor, live.platform.folder / "mail", f"new-{language}@shop.example")
        choose_password(visitor, live.platform.folder / "mail")
        visitor.open("/sign-in/link?link=old")
        visitor.look("error")
    assert visitor.complaints == []


def sign_in_wrongly(visitor: Visitor) -> None:
    visitor.look("sign-in")
    visitor.fill("sign-in", identifier=BEN, password="not his password")
    visitor.look("wrong")


def sign_in_by_mail(visitor: Visitor, mails: Path) -> None:
    visitor.page.click("#by-email")
    visitor.look("ask")
    visitor.fill("send", email="no address")
    visitor.look("ask-again")
    mailbox = Mailbox(mails, BEN)
    visitor.fill("send", email=BEN)
    visitor.look("sent")
    visitor.open(mailbox.wait_for_link("sign-in/link"))
    visitor.look("link")


def make_account(visitor: Visitor, mails: Path, address: str) -> None:
    visitor.open("/sign-up")
    mailbox = Mailbox(mails, address)
    visitor.fill("send", email=address)
    visitor.open(mailbox.wait_for_link("sign-up/new"))
    visitor.page.click("#save")
    visitor.look("account-again")
    visitor.fill("save", name="Nia Neu", new_password="ein langer neuer Satz")
    visitor.open("/sign-in")
    visitor.look("signed-in")
    assert "Nia Neu" in visitor.page.locator("#signed-in").inner_text()


def choose_password(visitor: Visitor, mails: Path) -> None:
    visitor.open("/password/forgotten")
    mailbox = Mailbox(mails, BEN)
    visitor.fill("send", email=BEN)
    visitor.open(mailbox.wait_for_link("password/new"))
    visitor.fill("save", new_password="password")
    visitor.look("password-again")


def test_a_person_of_the_demo_signs_in_by_the_keyboard_alone(
    live: Installation, axe: Path, tmp_path: Path
) -> None:
    password = read_assignments(live.platform.folder / "demo.env")["DEMO_SHOP_PASSWORD"]
    base = f"http://localhost:{live.platform.port}{SHOP}"
    with visiting(base, axe, tmp_path, **LIGHT) as visitor:
        visitor.open("/sign-in")
        keyboard = visitor.page.keyboard
        reach(visitor, "identifier")
        keyboard.type(BEN)
        reach(visitor, "password")
        keyboard.type(password)
        with visitor.page.expect_navigation():
            keyboard.press("Enter")
        visitor.open("/sign-in")
        assert visitor.page.locator("#signed-in").is_visible()


def reach(visitor: Visitor, element: str) -> None:
    """Press Tab until an element is focused, and see that its focus is visible."""
    for _ in range(10):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("() => document.activeElement.id") == element:
            style = "() => getComputedStyle(document.activeElement).outlineStyle"
            assert visitor.page.evaluate(style) == "solid"
            return
    raise AssertionError(f"Tab never reaches {element}")
