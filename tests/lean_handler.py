"""What Django's test client asks, with the lean adapter in front as the web server has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test.client import ClientHandler

from authplatform.lean_adapter import LeanAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse

    from django.http.response import HttpResponseBase

CONTENT_TYPE = "Content-Type"


class LeanHandler(ClientHandler):
    """Answers by the adapter, and by Django what the adapter hands on."""

    def __call__(self, environ: dict[str, Any]) -> HttpResponseBase:  # type: ignore[override]  # a plain response.
        """Answer a request."""
        response: HttpResponse = HttpResponse()
        is_handed_on = False

        def hand_on(_environ: dict[str, Any], _start: StartResponse) -> Iterable[bytes]:
            nonlocal is_handed_on
            is_handed_on = True
            return []

        def start(status: str, headers: list[tuple[str, str]], _failure: object = None, /) -> Any:  # noqa: ANN401 - nobody writes by it.
            response.status_code = int(status.split(maxsplit=1)[0])
            del response[CONTENT_TYPE]
            for name, value in headers:
                response[name] = value

        response.content = b"".join(LeanAdapter(hand_on)(environ, start))
        if is_handed_on:
            return super().__call__(environ)
        response.wsgi_request = WSGIRequest(environ)  # type: ignore[attr-defined]  # Django's client reads it.
        return response
