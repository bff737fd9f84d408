"""Fetches documents from addresses that tenants name, without letting them reach inside.

Every call is https, follows no redirect, ignores proxy variables, and connects to the very
address that was checked. Time and size are bounded as a whole. Source: RFC 8725 section 3.10.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import certifi
import httpcore
from django.conf import settings

from tenants.errors import OutgoingFailed, OutgoingRefused
from tenants.public_addresses import is_public_address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
MAXIMUM_URL_CHARACTERS: Final = 2048
MAXIMUM_ADDRESSES: Final = 16
MAXIMUM_LOOKUPS: Final = 8
STATUS_OK: Final = 200
REDIRECTS: Final = range(300, 400)

_lookups = threading.BoundedSemaphore(MAXIMUM_LOOKUPS)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a URL points, before anything was resolved."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that is posted instead of a plain fetch, and as whom; empty for nobody."""

    body: bytes = field(repr=False)
    authorization: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Deadline:
    """The moment, on the monotonic clock, at which the whole fetch has failed."""

    at: float

    def remaining(self) -> float:
        """Give the seconds that are left. Raises: OutgoingFailed where there are none."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise OutgoingFailed("the fetch took too long")
        return seconds


def fetch(
    url: str,
    *,
    accepted_media_types: Collection[str],
    max_bytes: int | None = None,
    timeout_seconds: float | None = None,
    submission: Submission | None = None,
) -> bytes:
    """Fetch one document; the settings bound its size and time where the caller doesn't.

    With a submission, it is the answer to a form; nothing is ever sent twice.

    Raises: OutgoingRefused, OutgoingFailed.
    """
    limit = settings.TENANTS_OUTGOING_MAX_BYTES if max_bytes is None else max_bytes
    default = settings.TENANTS_OUTGOING_TIMEOUT_SECONDS
    deadline = _Deadline(time.monotonic() + (timeout_seconds or default))
    target = _parse_url(url)
    addresses = _checked_addresses(target, deadline)
    try:
        backend = _Backend(addresses, deadline)
        return _request(target, backend, accepted_media_types, limit, submission)
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise OutgoingFailed(f"{target.host}: {type(error).__name__}") from error


def notify(url: str, form: bytes, *, timeout_seconds: float) -> int:
    """Post a form and answer the status alone; what comes with it is not read, nor followed.

    Raises: OutgoingRefused, OutgoingFailed.
    """
    deadline = _Deadline(time.monotonic() + timeout_seconds)
    target = _parse_url(url)
    backend = _Backend(_checked_addresses(target, deadline), deadline)
    headers = {"Host": _authority(target), **_form_headers(form)}
    try:
        with _open(target, backend, "POST", headers, form) as response:
            return response.status
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise OutgoingFailed(f"{target.host}: {type(error).__name__}") from error


def _request(
    target: _Target,
    backend: _Backend,
    accepted_media_types: Collection[str],
    max_bytes: int,
    submission: Submission | None,
) -> bytes:
    headers = {
        "Host": _authority(target),
        "Accept": ", ".join(accepted_media_types),
        # A compressed answer could be small on the wire and huge in memory.
        "Accept-Encoding": "identity",
    }
    method, body = "GET", None
    if submission is not None:
        method, body = "POST", submission.body
        headers |= _form_headers(body)
        if submission.authorization:
            headers["Authorization"] = submission.authorization
    with _open(target, backend, method, headers, body) as response:
        _check_response(response, accepted_media_types, max_bytes)
        return _read_bounded(response.iter_stream(), max_bytes)


def _form_headers(form: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(form)),
    }


@contextmanager
def _open(
    target: _Target,
    backend: _Backend,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Iterator[httpcore.Response]:
    """Send a request and give its answer, whose body is still to be read."""
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    with (
        httpcore.ConnectionPool(
            ssl_context=_tls_context(), network_backend=backend, retries=0
        ) as pool,
        pool.stream(method, url, headers=[*headers.items()], content=body) as response,
    ):
        yield response


def _parse_url(url: str) -> _Target:
    if len(url) > MAXIMUM_URL_CHARACTERS or not all("!" <= c <= "~" and c != "\\" for c in url):
        raise OutgoingRefused("malformed_url", "too long, or a character that a URL can't have")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise OutgoingRefused("malformed_url", "not a URL") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise OutgoingRefused("scheme", "only https is fetched")
    if "@" in parts.netloc:
        raise OutgoingRefused("userinfo", "a URL carries no credentials")
    if not host or parts.fragment or port == 0:
        raise OutgoingRefused("malformed_url", "no host, or a fragment, or port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path)


def _authority(target: _Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    default = DEFAULT_PORTS[target.scheme] == target.port
    return host if default else f"{host}:{target.port}"


def _checked_addresses(target: _Target, deadline: _Deadline) -> tuple[str, ...]:
    """Resolve once and check every address; one bad address refuses the name as a whole."""
    found = tuple(dict.fromkeys(_resolve(target, deadline)))
    allowed = tuple(ip_network(text) for text in settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES)
    for text in found:
        address = ip_address(text)
        if any(address in network for network in allowed if network.version == address.version):
            continue
        if target.scheme != "https":
            raise OutgoingRefused("scheme", "http reaches only what the operator allowed")
        if not is_public_address(address):
            raise OutgoingRefused("private_address", target.host)
    return found[:MAXIMUM_ADDRESSES]


def _resolve(target: _Target, deadline: _Deadline) -> list[str]:
    """Resolve in a thread of its own, because the C library knows no deadline."""
    found: list[str] = []
    failures: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.extend(str(answer[4][0]) for answer in answers)
        except (OSError, UnicodeError) as error:
            failures.append(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=deadline.remaining()):
        raise OutgoingFailed("too many names are being resolved")
    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if failures or not found:
        raise OutgoingFailed(f"{target.host} does not resolve")
    return list(found)


def _tls_context() -> ssl.SSLContext:
    """Trust the public authorities, and besides them those of the operator."""
    paths = ssl.get_default_verify_paths()
    has_system_store = bool(paths.cafile or paths.capath)
    context = ssl.create_default_context(cafile=None if has_system_store else certifi.where())
    if settings.TENANTS_OUTGOING_CA_FILE:
        try:
            context.load_verify_locations(cafile=settings.TENANTS_OUTGOING_CA_FILE)
        except OSError as error:
            raise OutgoingFailed("the operator's file of authorities can't be read") from error
    return context


class _Backend(httpcore.NetworkBackend):
    """Connects to the checked addresses only, whatever name the connection pool asks for."""

    def __init__(self, addresses: tuple[str, ...], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was resolved and checked before.
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is stricter.
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address with its share of the time that is left."""
        for index, address in enumerate(self._addresses):
            share = self._deadline.remaining() / (len(self._addresses) - index)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Stream(stream, self._deadline)
        raise httpcore.ConnectError("no address answers")


class _Stream(httpcore.NetworkStream):
    """A stream on which each operation has only the time that is left of the whole."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see above.
        """Read within the deadline."""
        return self._stream.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see above.
        """Write within the deadline."""
        self._stream.write(buffer, self._deadline.remaining())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is stricter.
    ) -> httpcore.NetworkStream:
        """Shake hands within the deadline; the name of the certificate is the URL's."""
        remaining = self._deadline.remaining()
        stream = self._stream.start_tls(ssl_context, server_hostname, remaining)
        return _Stream(stream, self._deadline)

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature is httpcore's.
        """Pass on what the socket says about itself."""
        return self._stream.get_extra_info(info)


def _check_response(
    response: httpcore.Response, accepted_media_types: Collection[str], max_bytes: int
) -> None:
    if response.status in REDIRECTS:
        raise OutgoingRefused("redirect", str(response.status))
    if response.status != STATUS_OK:
        raise OutgoingFailed(f"status {response.status}")
    headers = {name.lower(): text.decode("latin-1") for name, text in response.headers}
    media_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if media_type not in accepted_media_types:
        raise OutgoingRefused("media_type", "the answer has another Content-Type")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise OutgoingRefused("content_encoding", "the answer is compressed")
    length = headers.get(b"content-length", "0")
    if length.isdecimal() and int(length) > max_bytes:
        raise OutgoingRefused("too_large", f"more than {max_bytes} bytes")


def _read_bounded(chunks: Iterable[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise OutgoingRefused("too_large", f"more than {max_bytes} bytes")
    return bytes(body)
