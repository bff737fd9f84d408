"""A person who walks the real pages over HTTP, from an application's request to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.browser_person import PASSWORD, read_forms

if TYPE_CHECKING:
    from tests.browser_person import Form

SECONDS = 10.0
MAX_PAGES = 12


class WalkingPerson:
    """Somebody who signs in and agrees to what is asked."""

    def __init__(self, email: str) -> None:
        """Open a browser without any cookie."""
        self.email = email
        self.pages: list[str] = []
        self._browser = requests.Session()

    def authorize(self, address: str, callback: str) -> dict[str, str]:
        """Walk from an authorization request to the application; answer what that is told."""
        return dict(parse_qsl(urlsplit(self.arrive(address, callback)).query))

    def arrive(self, address: str, callback: str) -> str:
        """Do the same, and answer the whole address to which the last redirect leads."""
        answer = self.open(address, callback)
        assert answer.is_redirect, f"{answer.url} answers {answer.status_code}: {answer.text}"
        return _target(answer)

    def open(self, address: str, callback: str | None = None) -> requests.Response:
        """Walk until a page has none of our forms, or a redirect leads to the callback."""
        return self._walk(self._send("GET", address), callback)

    def post(self, address: str) -> requests.Response:
        """Press a button that sends nothing, and walk on."""
        return self._walk(self._send("POST", address))

    def _walk(self, answer: requests.Response, callback: str | None = None) -> requests.Response:
        for _ in range(MAX_PAGES):
            if answer.is_redirect:
                if callback and _target(answer).startswith(callback):
                    return answer
                answer = self._send("GET", _target(answer))
            elif form := self._find_form(answer):
                answer = self._submit(answer, *form)
            else:
                return answer
        raise AssertionError(f"the pages send one another in circles: {self.pages}")

    def _find_form(self, page: requests.Response) -> tuple[Form, dict[str, str]] | None:
        """Choose the form that this person fills, and what they fill in."""
        answers = {
            "password-form": {"identifier": self.email, "password": PASSWORD},
            "consent-form": {"decision": "allow"},
            "device-form": {"decision": "allow"},
        }
        found = (form for form in read_forms(page.text) if form.id in answers)
        return next(((form, answers[form.id]) for form in found), None)

    def _submit(
        self, page: requests.Response, form: Form, fields: dict[str, str]
    ) -> requests.Response:
        self.pages.append(form.id)
        address = urljoin(page.url, form.action) if form.action else page.url
        return self._send("POST", address, {**form.fields, **fields})

    def _send(
        self, method: str, address: str, form: dict[str, object] | None = None
    ) -> requests.Response:
        return self._browser.request(
            method, address, data=form, allow_redirects=False, timeout=SECONDS
        )


def _target(answer: requests.Response) -> str:
    return urljoin(answer.url, answer.headers["Location"])
