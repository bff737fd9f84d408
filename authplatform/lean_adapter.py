"""Serves the busiest endpoints in front of Django: the same core, without request and view layers.

Whatever is not a plain POST to one of them - another method, a body of unknown length, the admin's
host, another path - goes to Django, whose answers are the same. Tests run against both.
"""

from __future__ import annotations

import os
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson
from django.conf import settings
from django.db import close_old_connections

from authplatform import logs, metrics, tracing
from authplatform.middleware import REQUEST_ID, admin_host, find_client_address
from tokens import error_handler
from tokens.endpoints.introspect import IntrospectView
from tokens.endpoints.revoke import RevokeView
from tokens.endpoints.token import TokenView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse

    from tokens.answers import Answer
    from tokens.endpoints.view import EndpointView

    Environ = dict[str, Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# What `tokens/urls.py` says of these paths; anything else is Django's to refuse.
PATH: Final = re.compile(
    r"/t/((?:[a-z0-9-]{1,63}/){2}[a-z0-9-]{1,63})/(oauth/(?:token|introspect|revoke))"
)
# The rest of the path below an issuer, the view that answers it, and its name in the metrics.
ENDPOINTS: Final[dict[str, tuple[EndpointView, str]]] = {
    "oauth/token": (TokenView(), "token"),
    "oauth/introspect": (IntrospectView(), "introspect"),
    "oauth/revoke": (RevokeView(), "revoke"),
}
_STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class LeanRequest:
    """The little of a request that the endpoints read: variables, method and body."""

    __slots__ = ("META", "method")

    def __init__(self, environ: Environ) -> None:
        """Take the variables of the gateway interface as they are."""
        self.META = environ
        self.method: str | None = "POST"

    def read(self, limit: int) -> bytes:
        """Read the body, at most as many bytes as the endpoint takes."""
        length = self.META.get("CONTENT_LENGTH") or "0"
        if not length.isascii() or not length.isdecimal():
            return b""
        body: bytes = self.META["wsgi.input"].read(min(int(length), limit))
        return body


class LeanAdapter:
    """A WSGI application that answers the busiest endpoints itself and hands on the rest."""

    def __init__(self, application: Application) -> None:
        """Wrap Django's application."""
        self._application = application
        self._admin_host = admin_host()
        self._keeps_access_log = settings.AUTHPLATFORM_ACCESS_LOG
        self._is_traced = bool(settings.AUTHPLATFORM_TRACES_ENDPOINT)
        self._security = [("X-Content-Type-Options", "nosniff")]
        if settings.TENANTS_BASE_URL.startswith("https:"):
            text = "max-age=31536000; includeSubDomains"
            self._security.append(("Strict-Transport-Security", text))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        found = self._find(environ)
        if found is None:
            return self._application(environ, start_response)
        view, route, issuer = found
        request_id = os.urandom(16).hex()
        environ[REQUEST_ID] = request_id
        context = logs.current_request_id.set(request_id)
        began = time.perf_counter()
        try:
            answer = _answer(view, environ, issuer)
        finally:
            logs.current_request_id.reset(context)
        metrics.observe_request(route, answer.status, time.perf_counter() - began)
        if self._is_traced:
            tracing.describe_request(route, answer.status, request_id)
        return self._write(answer, request_id, start_response)

    def _find(self, environ: Environ) -> tuple[EndpointView, str, str] | None:
        """Find the endpoint of a plain POST; None for everything that Django answers."""
        if environ["REQUEST_METHOD"] != "POST" or "HTTP_TRANSFER_ENCODING" in environ:
            return None
        match = PATH.fullmatch(environ["PATH_INFO"])
        if match is None or self._keeps_access_log or self._is_admin_host(environ):
            return None
        return (*ENDPOINTS[match[2]], match[1])

    def _is_admin_host(self, environ: Environ) -> bool:
        host: str = environ.get("HTTP_HOST", "")
        return bool(self._admin_host) and host.lower() == self._admin_host

    def _write(
        self, answer: Answer, request_id: str, start_response: StartResponse
    ) -> Iterable[bytes]:
        content = b"" if answer.body is None else orjson.dumps(answer.body)
        headers = [*answer.headers.items(), *self._security, ("X-Request-Id", request_id)]
        headers.append(("Content-Length", str(len(content))))
        if answer.body is not None:
            headers.append(("Content-Type", "application/json"))
        start_response(_STATUS_LINES[answer.status], headers)
        return [content]


def _answer(view: EndpointView, environ: Environ, issuer: str) -> Answer:
    find_client_address(environ)
    try:
        answer = view.answer_http(LeanRequest(environ), issuer)
    except Exception as error:  # noqa: BLE001 - the handler maps each and logs the unknown.
        answer = error_handler.answer_error(error)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        close_old_connections()  # Django does so around each of its own requests.
    return answer
