"""Runs the demo's outside provider under the supervisor: it answers about its own opaque tokens.

It stands in for somebody else's software, so that it knows nothing but its part of the demo's file.
Source: RFC 7662 section 2.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from authplatform import child_signals
from authplatform.env import read_assignments, read_data_directory
from tenants.configuration import demo_provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tenants.records import JSON

MAXIMUM_BYTES: Final = 16_384


def make_application() -> WSGIApplication:
    """Make the application of a process that ends with everything else."""
    # Without this, kill -9 of the supervisor leaves the workers on their port.
    child_signals.terminate_with_parent()
    child_signals.leave_with_supervisor()
    return application


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer whether a token is active, to the one client that the provider knows."""
    known = read_assignments(read_data_directory() / "demo.env")
    if environ["PATH_INFO"] != demo_provider.PATH or environ["REQUEST_METHOD"] != "POST":
        return _answer(start_response, HTTPStatus.NOT_FOUND, {"error": "not_found"})
    if not demo_provider.is_client(environ.get("HTTP_AUTHORIZATION", ""), known):
        return _answer(start_response, HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"})
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAXIMUM_BYTES:
        return _answer(start_response, HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})
    form = parse_qs(environ["wsgi.input"].read(int(length)).decode("ascii", "replace"))
    (token, *_) = form.get("token", [""])
    told = demo_provider.introspect(token, known, now=int(time.time()))
    return _answer(start_response, HTTPStatus.OK, told)


def _answer(
    start_response: StartResponse, status: HTTPStatus, document: Mapping[str, JSON]
) -> Iterable[bytes]:
    body = json.dumps(document).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Basic realm="provider"'))
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
