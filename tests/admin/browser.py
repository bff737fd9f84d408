"""A real Chromium that looks at the running platform."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Journey:
    """One person's way through the admin, with a picture of each station."""

    def __init__(self, page: Page, base_url: str, pictures: Path) -> None:
        """Begin with an empty browser."""
        self.page = page
        self.base_url = base_url
        self.pictures = pictures
        self.complaints: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        """Open a page by its path."""
        self.page.goto(f"{self.base_url}{path}")

    def sign_in(self, name: str, password: str) -> None:
        """Sign in to the admin."""
        self.open("/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/admin/")

    def picture(self, name: str) -> None:
        """Take a picture of the whole page, light and dark."""
        self.page.screenshot(path=self.pictures / f"{name}-light.png", full_page=True)
        # The theme asks for the scheme when it starts, and a secret's page can't be loaded again.
        self.page.evaluate("document.documentElement.classList.add('dark')")
        self.page.screenshot(path=self.pictures / f"{name}-dark.png", full_page=True)
        self.page.evaluate("document.documentElement.classList.remove('dark')")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@contextlib.contextmanager
def travelling(base_url: str, pictures: Path) -> Iterator[Journey]:
    """Start Chromium and close it again."""
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
            yield Journey(page, base_url, pictures)
        finally:
            browser.close()
