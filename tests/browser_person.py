"""A person with a browser, who sees pages and fills their forms; there is no JavaScript."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core import mail
from django.test import Client as HttpClient

from authplatform.celery import app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.core.mail import EmailMessage
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

REDIRECTS = frozenset((301, 302, 303, 307, 308))
MAX_HOPS = 10
PASSWORD = "correct horse battery staple"


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it sends if nothing is changed.

    `choices` has the values of its checkboxes, radios and buttons by name, checked or not.
    """

    id: str
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = True
            method = given.get("method", "get").lower()
            self.forms.append(Form(given.get("id", ""), given.get("action", ""), method))
        elif self._inside and tag in {"input", "button", "select"} and "name" in given:
            self._add(tag, given)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"

    def _add(self, tag: str, given: dict[str, str]) -> None:
        form, name, value = self.forms[-1], given["name"], given.get("value", "")
        kind = "submit" if tag == "button" else given.get("type", "text")
        if kind in {"checkbox", "radio", "submit"}:
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" not in given:
                return
        if "disabled" not in given:
            form.fields.setdefault(name, []).append(value)


class Person:
    """Somebody in front of a browser of their own, at one issuer."""

    def __init__(self, tenant: Tenant, *, language: str = "en", **environment: str) -> None:
        """Open a browser without any cookie; `environment` is of the WSGI kind."""
        self.issuer = f"{settings.TENANTS_BASE_URL}/t/{tenant.path}"
        self.http = HttpClient(raise_request_exception=False)
        self.http.defaults.update(environment)
        self.headers = {"Accept-Language": language}
        self.address = self.issuer

    def open(self, address: str, *, follows: bool = True) -> HttpResponse:
        """Look at a page: an address, or a path below the issuer; redirects are followed at home.

        The answer is the last page, or the redirect that leads to somebody else.
        """
        self.address = self._resolve(address)
        page = self.http.get(self._path(self.address), headers=self.headers)
        return self.follow(page) if follows else page

    def follow(self, page: HttpResponse) -> HttpResponse:
        """Follow redirects as long as they stay below the issuer."""
        for _ in range(MAX_HOPS):
            if page.status_code not in REDIRECTS:
                return page
            address = urljoin(self.address, page.headers["Location"])
            if not address.startswith(f"{self.issuer}/"):
                return page
            self.address = address
            page = self.http.get(self._path(address), headers=self.headers)
        raise AssertionError("the pages send one another in circles")

    def form(self, page: HttpResponse, form_id: str = "") -> Form:
        """Read a form of a page, by its id or the only one that is posted."""
        posted = [form for form in read_forms(page.content.decode()) if form.method == "post"]
        found = [form for form in posted if form.id == form_id] if form_id else posted
        assert len(found) == 1, f"{[form.id for form in posted]} at {self.address}"
        return found[0]

    def submit(
        self, page: HttpResponse, form_id: str = "", *, follows: bool = True, **fields: object
    ) -> HttpResponse:
        """Fill the form of the page that was looked at last and send it.

        A list sends its field once for each item; None leaves it out.
        """
        form = self.form(page, form_id)
        filled: dict[str, object] = {**form.fields, **fields}
        sent = {name: value for name, value in filled.items() if value is not None}
        return self.post(urljoin(self.address, form.action), sent, follows=follows)

    def post(
        self, address: str, fields: Mapping[str, object], *, follows: bool = True
    ) -> HttpResponse:
        """Send fields, from whatever page."""
        self.address = self._resolve(address)
        page = self.http.post(self._path(self.address), fields, headers=self.headers)
        return self.follow(page) if follows else page

    def sign_in(self, identifier: str, password: str = PASSWORD) -> HttpResponse:
        """Sign in with a password on the sign-in page, without any application."""
        return self.prove(self.open("/sign-in"), identifier, password)

    def prove(self, page: HttpResponse, identifier: str, password: str = PASSWORD) -> HttpResponse:
        """Fill the sign-in page that is shown."""
        return self.submit(page, "password-form", identifier=identifier, password=password)

    def _resolve(self, address: str) -> str:
        return address if address.startswith("http") else f"{self.issuer}{address}"

    def _path(self, address: str) -> str:
        parts = urlsplit(address)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def read_forms(text: str) -> list[Form]:
    """Read every form of a page."""
    parser = _Forms()
    parser.feed(text)
    return parser.forms


@contextlib.contextmanager
def delivered_mail() -> Iterator[list[EmailMessage]]:
    """Run tasks at once and answer the mails that they send."""
    was_eager = app.conf.task_always_eager
    app.conf.task_always_eager = True
    mail.outbox.clear()
    try:
        yield mail.outbox
    finally:
        app.conf.task_always_eager = was_eager
