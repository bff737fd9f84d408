"""A visitor with a real Chromium, who looks at every page with axe-core and takes its picture."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.conftest import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Page

MAIL_SECONDS = 20.0
# A status that we mean is no fault of the page.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
SCROLLS = "() => document.documentElement.scrollWidth > window.innerWidth"
# A policy without scripts of others holds for what a page loads, not for what a debugger says.
LOOK = """async () => (await axe.run()).violations.map(found =>
  `${found.id}: ${found.nodes.map(node => node.html).join(' ')}`)"""


class Visitor:
    """Somebody who goes from page to page; whatever is wrong with one is a complaint."""

    def __init__(self, page: Page, base: str, axe: str, pictures: Path) -> None:
        """Begin with an empty browser; `axe` is the text of axe-core."""
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        self._axe = axe
        self._pictures = pictures
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        """Open a page below the issuer, or by its whole address."""
        self.page.goto(path if path.startswith("http") else f"{self.base}{path}")

    def fill(self, button: str, **fields: str) -> None:
        """Fill fields by their ids and press a button."""
        for name, text in fields.items():
            self.page.fill(f"#{name}", text)
        self.page.click(f"#{button}")

    def look(self, name: str) -> None:
        """Judge the page that is shown: accessible, as wide as the window, and as pictured."""
        self.page.screenshot(path=self._pictures / f"{name}.png", full_page=True)
        self.page.evaluate(self._axe)
        self.complaints += [f"{name}: {found}" for found in self.page.evaluate(LOOK)]
        if self.page.evaluate(SCROLLS):
            self.complaints.append(f"{name}: is wider than the window")
        if self.page.locator("h1").count() != 1:
            self.complaints.append(f"{name}: has not one first heading")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.match(message.text):
            self.complaints.append(message.text)


@contextlib.contextmanager
def visiting(base: str, axe: Path, pictures: Path, **context: Any) -> Iterator[Visitor]:  # noqa: ANN401 - Playwright's.
    """Start Chromium and close it again."""
    program = find_program("chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            page = browser.new_context(**context).new_page()
            yield Visitor(page, base, axe.read_text(encoding="utf-8"), pictures)
        finally:
            browser.close()


class Mailbox:
    """The mails of an installation to one address that come from now on."""

    def __init__(self, folder: Path, address: str) -> None:
        """Pass over what is there already."""
        self._folder = folder
        self._address = address
        self._known = set(folder.glob("*"))

    def wait_for_link(self, path: str) -> str:
        """Wait for a mail that leads to the path, and answer its link."""
        ends_at = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < ends_at:
            if found := self._find_link(path):
                return found
            time.sleep(0.1)
        raise AssertionError(f"no mail to {self._address} for {path}")

    def _find_link(self, path: str) -> str:
        for file in set(self._folder.glob("*")) - self._known:
            text = file.read_text(encoding="utf-8")
            found = re.search(rf"http\S+{path}\?link=\S+", text)
            if found and f"To: {self._address}" in text:
                return found.group()
        return ""
