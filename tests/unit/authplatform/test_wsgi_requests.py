"""No media type that somebody names keeps Django from answering."""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from authplatform.wsgi_requests import UnicodeHandler, UnicodeRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

pytestmark = pytest.mark.django_db
HOSTILE = {
    "codec of bytes": "text/plain; charset=hex",
    "codec of texts": "text/plain; charset=rot13",
    "codec that always fails": "text/plain; charset=undefined",
    "unknown": "text/plain; charset=nothing",
    "extended, unknown": "text/plain; a*=nothing'en'%41",
    "extended, fails": "text/plain; a*=undefined'en'%41",
    "half": "text/plain; charset=",
    "no text": "; ; =",
    "not ASCII": "text/plain; charset=\xe9",
}


def environment(media_type: str, query: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/healthz",
        "QUERY_STRING": query,
        "CONTENT_TYPE": media_type,
        "CONTENT_LENGTH": "0",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b""),
    }


@pytest.mark.parametrize("media_type", HOSTILE.values(), ids=HOSTILE)
def test_any_media_type_is_answered(media_type: str) -> None:
    statuses: list[str] = []
    written: list[bytes] = []

    def start(
        status: str, _headers: list[tuple[str, str]], _failure: object = None, /
    ) -> Callable[[bytes], object]:
        statuses.append(status)
        return written.append

    b"".join(UnicodeHandler()(environment(media_type, "x=%41"), start))
    assert int(statuses[0].split()[0]) < HTTPStatus.INTERNAL_SERVER_ERROR


def test_texts_are_utf_8_whatever_is_named() -> None:
    request = UnicodeRequest(environment("text/plain; charset=latin-1", "x=%C3%A9"))
    assert request.GET["x"] == "é"
    assert request.content_type == "text/plain"
