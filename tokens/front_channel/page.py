"""What all pages share: the tenant, the person, the browser, the language, the answer's headers.

A page is a subclass of `Page` with `show` (GET) and, where it has a form, `submit` (POST). Both get
a `Visit` and answer by `visit.render` or `visit.redirect`; what goes wrong is raised.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils import translation
from django.views import View

from tenants import snapshot
from tenants.errors import CredentialCheckBusy, NotFound, SnapshotUnconfirmed
from tenants.records import BrandingRecord
from tokens import limits, sign_ins
from tokens.errors import IssuerNotFound, RateLimited, ServiceUnavailable
from tokens.front_channel import cookies, form_tokens, languages
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.sentences import SENTENCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest

    from tenants.records import TenantSnapshot
    from tokens.sign_ins import SignInRecord

logger = logging.getLogger(__name__)

REQUEST_ID: Final = "authplatform.request_id"
MAX_USER_AGENT_CHARACTERS: Final = 200
MAX_FORM_BYTES: Final = 65_536
ERROR_TEMPLATE: Final = "front_channel/error.html"
STALE_FORM: Final = "stale_form"
LINK_DEAD: Final = "link_dead"
SEE_OTHER: Final = 303
_PASSING: Final = (
    ServiceUnavailable,
    SnapshotUnconfirmed,
    CredentialCheckBusy,
    OperationalError,
    InterfaceError,
)
_EXCESSIVE: Final = (RequestDataTooBig, TooManyFieldsSent, SuspiciousOperation)
_MALFORMED: Final = (BadRequest, MultiPartParserError)
_EXPECTED: Final = (
    ((IssuerNotFound, NotFound), "not_found", 404),
    ((RateLimited,), "too_many", 429),
    (_PASSING, "unavailable", 503),
    (_EXCESSIVE, "too_large", 400),
    (_MALFORMED, "unreadable_request", 400),
)


@dataclass(slots=True)
class Visit:
    """One request of a person for a page; times in seconds since the epoch.

    `number` is the cut-off number that was held when it began; `sign_in` is None for a stranger.
    """

    request: HttpRequest
    tenant: TenantSnapshot
    number: int
    now: float
    address: str
    user_agent: str
    request_id: str
    browser: str
    language: str
    sign_in: SignInRecord | None
    is_new_browser: bool = field(default=False)

    @property
    def form_token(self) -> str:
        """What the page's forms carry."""
        return form_tokens.make_token(self.browser)

    def address_of(self, path: str) -> str:
        """Answer the address of a page below the issuer."""
        return f"{self.tenant.issuer}/{path}"

    def redirect(self, address: str) -> HttpResponse:
        """Send the browser on, with GET. Source: RFC 9700 section 4.12."""
        response = HttpResponse(status=SEE_OTHER, headers={"Location": address})
        return self._finish(response)

    def render(
        self,
        template: str,
        context: Mapping[str, object],
        *,
        status: int = 200,
        form_targets: Iterable[str] = (),
    ) -> HttpResponse:
        """Write a page; its forms may lead on to the `form_targets`, which are CSP sources."""
        page = {
            "visit": self,
            "tenant": self.tenant,
            "branding": self.tenant.branding,
            "issuer": self.tenant.issuer,
            "language": self.language,
            "form_token": self.form_token,
            "person": self.sign_in,
            **context,
        }
        response = HttpResponse(render_to_string(template, page), status=status)
        response.headers["Content-Language"] = self.language
        response.headers["Content-Security-Policy"] = policy(form_targets)
        return self._finish(response)

    def _finish(self, response: HttpResponse) -> HttpResponse:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if self.is_new_browser:
            cookies.set_browser(response, self.tenant, self.browser)
        return response


def policy(form_targets: Iterable[str] = ()) -> str:
    """Write the content security policy of a page. Source: RFC 9700 section 4.16.

    A browser holds `form-action` against the redirects that follow a form as well.
    """
    targets = " ".join(dict.fromkeys(("'self'", *form_targets)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


class Page(View):
    """A page of a tenant for people."""

    http_method_names = ["get", "head", "post"]
    # Whether a POST from another site is answered like a first look: an application may send one.
    takes_foreign_posts: ClassVar[bool] = False

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show the page."""
        raise PageRefused("method", status=405, detail=visit.request.path)

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Take the page's form, which has been checked to be ours."""
        raise PageRefused("method", status=405, detail=visit.request.path)

    def get(self, request: HttpRequest, issuer: str, **fixed: str) -> HttpResponse:
        """Answer a look at the page."""
        return self._answer(request, issuer, fixed)

    def post(self, request: HttpRequest, issuer: str, **fixed: str) -> HttpResponse:
        """Answer the page's form."""
        return self._answer(request, issuer, fixed)

    def _answer(self, request: HttpRequest, issuer: str, fixed: Mapping[str, str]) -> HttpResponse:
        visit: Visit | None = None
        try:
            visit = begin_visit(request, issuer)
            with translation.override(visit.language):
                return self._dispatch_visit(visit, fixed)
        except Exception as error:  # noqa: BLE001 - each is mapped, and the unknown logged.
            # A browser that reloads sends the same form again; only a new look has a new one.
            can_be_opened = type(self).show is not Page.show
            again = request.get_full_path() if can_be_opened else ""
            return refuse(request, visit, error, again)

    def _dispatch_visit(self, visit: Visit, fixed: Mapping[str, str]) -> HttpResponse:
        if visit.request.method != "POST":
            return self.show(visit, **fixed)
        if not self.takes_foreign_posts:
            form_tokens.check(visit.request, cookies.read_browser(visit.request))
        return self.submit(visit, **fixed)


def begin_visit(request: HttpRequest, issuer: str) -> Visit:
    """Find out where a request for a page leads, and who sends it.

    Raises:
        IssuerNotFound: no tenant is there.
        RateLimited: the address sends too many requests.
        PageRefused: the form is too large.
    """
    number = snapshot.CURRENT.confirm()
    tenant = snapshot.CURRENT.tenant(issuer)
    if tenant is None or not tenant.is_enabled:
        raise IssuerNotFound("No tenant serves this issuer.")
    meta, now = request.META, time.time()
    limits.admit_address(tenant, meta.get("REMOTE_ADDR", ""))
    _check_length(meta.get("CONTENT_LENGTH") or "0")
    browser = cookies.read_browser(request)
    return Visit(
        request=request,
        tenant=tenant,
        number=number,
        now=now,
        address=meta.get("REMOTE_ADDR", ""),
        user_agent=meta.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_CHARACTERS],
        request_id=meta.get(REQUEST_ID, ""),
        browser=browser or cookies.make_browser(),
        language=languages.choose(request, tenant),
        sign_in=sign_ins.find(tenant, cookies.read_sign_in(request), now=now),
        is_new_browser=not browser,
    )


def _check_length(text: str) -> None:
    """Refuse a form that is too large, or does not say how large it is."""
    if not (text.isascii() and text.isdecimal()):
        raise PageRefused("unreadable_request", detail="content length")
    if int(text) > MAX_FORM_BYTES:
        raise PageRefused("too_large", status=413)


def refuse(
    request: HttpRequest, visit: Visit | None, error: Exception, again: str = ""
) -> HttpResponse:
    """Show why a page can't be shown, in the person's language; `again` is where it is opened."""
    reason, status = _explain(error)
    language = visit.language if visit else languages.choose_for_browser(request)
    with translation.override(language):
        title, sentence = SENTENCES[reason]
        context = {
            "title": title,
            "sentence": sentence,
            "language": language,
            "branding": visit.tenant.branding if visit else BrandingRecord(),
            "issuer": visit.tenant.issuer if visit else "",
            "request_id": request.META.get(REQUEST_ID, ""),
            "again": again if reason == STALE_FORM else "",
            "is_link_dead": reason == LINK_DEAD,
        }
        response = HttpResponse(render_to_string(ERROR_TEMPLATE, context), status=status)
    response.headers["Content-Security-Policy"] = policy()
    response.headers["Cache-Control"] = "no-store"
    if isinstance(error, RateLimited | ServiceUnavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _explain(error: Exception) -> tuple[str, int]:
    """Answer the key of what the page says, and the status; the log gets the details."""
    if isinstance(error, PageRefused):
        logger.info("page refused: %s %s", error.reason, error.detail)
        return error.reason, error.status
    for kinds, reason, status in _EXPECTED:
        if isinstance(error, kinds):
            return reason, status
    logger.error("unexpected error", exc_info=error)
    return "unexpected", 500
