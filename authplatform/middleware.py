"""What every request passes: its id, its client's address, its host and the answer's headers."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseNotFound
from django.http.response import HttpResponseBase

from authplatform import logs, metrics, tracing

GetResponse = Callable[[HttpRequest], HttpResponseBase]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REQUEST_ID = "authplatform.request_id"
ADMIN_PATHS = ("/admin", "/static/")
ANY_HOST_PATHS = ("/healthz", "/readyz", "/metrics")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
ADMIN_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)

logger = structlog.get_logger(__name__)


class RequestId:
    """Gives every request an id of ours, and measures it.

    The id stands in META["authplatform.request_id"], in each log line and in the answer's
    X-Request-Id. What the caller sends under that name never takes its place.
    """

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        request_id = os.urandom(16).hex()
        request.META[REQUEST_ID] = request_id
        reset_token = logs.current_request_id.set(request_id)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            _record(request, response, time.perf_counter() - began)
        finally:
            logs.current_request_id.reset(reset_token)
        # A protocol may want its caller's own identifier back: then the view has set it.
        response.headers.setdefault("X-Request-Id", request_id)
        return response


def _record(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    match = request.resolver_match
    route = match.view_name if match else "none"
    metrics.observe_request(route, response.status_code, seconds)
    tracing.describe_request(route, response.status_code, request.META[REQUEST_ID])
    if settings.AUTHPLATFORM_ACCESS_LOG:
        logger.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            seconds=round(seconds, 6),
            address=request.META.get("REMOTE_ADDR", ""),
        )


class ClientAddress:
    """Takes address and scheme from a trusted proxy's headers; not used where there is none."""

    def __init__(self, get_response: GetResponse) -> None:
        """Read the proxies; step aside where there is none."""
        if not settings.AUTHPLATFORM_TRUSTED_PROXIES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        find_client_address(request.META)
        return self.get_response(request)


def find_client_address(meta: dict[str, Any]) -> None:
    """Set REMOTE_ADDR and the scheme to what a trusted proxy says, if one is the peer."""
    if not settings.AUTHPLATFORM_TRUSTED_PROXIES:
        return
    proxies = _networks(tuple(settings.AUTHPLATFORM_TRUSTED_PROXIES))
    peer: str = meta.get("REMOTE_ADDR", "")
    if is_within(peer, proxies):
        meta["REMOTE_ADDR"] = _find_client(meta, peer, proxies)
        if meta.get("HTTP_X_FORWARDED_PROTO", "") == "https":
            meta["wsgi.url_scheme"] = "https"


def _find_client(meta: dict[str, Any], peer: str, proxies: tuple[Network, ...]) -> str:
    """Return the nearest address that no trusted proxy has; further ones may be invented."""
    chain: list[str] = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    for address in (part.strip() for part in reversed(chain)):
        if not is_address(address):
            return peer
        if not is_within(address, proxies):
            return address
        peer = address
    return peer


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def admin_host() -> str:
    """Answer the host that serves the admin and nothing else; empty where there is one host."""
    admin, base = (
        urlsplit(url).netloc
        for url in (settings.AUTHPLATFORM_ADMIN_BASE_URL, settings.TENANTS_BASE_URL)
    )
    return "" if admin == base else admin


class AdminHost:
    """Serves the admin on its own host only, and nothing else there; not used with one host.

    The admin's theme needs a weaker content security policy than the pages of end users.
    """

    def __init__(self, get_response: GetResponse) -> None:
        """Read the hosts; step aside where there is one."""
        self.host = admin_host()
        if not self.host:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        path = request.path_info
        is_admin_host = request.META.get("HTTP_HOST", "").lower() == self.host
        if path in ANY_HOST_PATHS or path.startswith("/static/"):
            return self.get_response(request)
        if path.startswith(ADMIN_PATHS) != is_admin_host:
            return HttpResponseNotFound()
        return self.get_response(request)


class SecurityHeaders:
    """Sets the headers that keep a browser from misusing an answer; a view's own ones win."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next layer and whether it is reached by https."""
        self.get_response = get_response
        self.is_secure = settings.TENANTS_BASE_URL.startswith("https:")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        response = self.get_response(request)
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        if self.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if headers.get("Content-Type", "").startswith("text/html"):
            _protect_page(request, response)
        return response


def _protect_page(request: HttpRequest, response: HttpResponseBase) -> None:
    is_admin = request.path_info.startswith("/admin")
    policy = ADMIN_POLICY if is_admin else PAGE_POLICY
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin" if is_admin else "no-referrer")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_within(text: str, networks: Iterable[Network]) -> bool:
    """Tell whether a text is an IP address of one of these networks."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # A server that listens on IPv6 and IPv4 at once names callers by IPv4 as `::ffff:...`.
    names = {address, getattr(address, "ipv4_mapped", None) or address}
    return any(name in network for network in networks for name in names)
