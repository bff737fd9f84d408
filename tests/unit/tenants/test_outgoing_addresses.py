"""The guarded fetch never reaches inside: hostile URLs, inner addresses, hanging servers."""

from __future__ import annotations

import threading
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from tenants import outgoing
from tenants.errors import OutgoingFailed, OutgoingRefused
from tenants.outgoing import fetch
from tenants.public_addresses import is_public_address

if TYPE_CHECKING:
    import socket

    from pytest_django import Settings

JSON_TYPE = ("application/json",)


@pytest.fixture(autouse=True)
def _bounds(settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8", "::1/128"]
    settings.TENANTS_OUTGOING_TIMEOUT_SECONDS = 5.0
    settings.TENANTS_OUTGOING_MAX_BYTES = 65_536


def get(url: str, **bounds: Any) -> bytes:  # noqa: ANN401 - the bounds of fetch.
    return fetch(url, accepted_media_types=JSON_TYPE, **bounds)


def reason_of(url: str, **bounds: Any) -> str:  # noqa: ANN401 - the bounds of fetch.
    with pytest.raises(OutgoingRefused) as refused:
        get(url, **bounds)
    return refused.value.reason


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "0", "[::1]", "[::]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_no_way_of_writing_an_inner_address_passes(host: str, settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    assert reason_of(f"https://{host}/jwks") == "private_address"


@pytest.mark.parametrize(
    "text",
    ["0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254",
     "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
     "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
     "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8",
     "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2001:20::1",
     "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0",
     "fec0::1", "ff02::1", "2606:4700::1111%eth0"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_known(text: str) -> None:
    assert not is_public_address(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00::1"]
)
def test_a_public_address_is_known(text: str) -> None:
    assert is_public_address(ip_address(text))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("ftp://issuer.example/", "scheme", id="ftp"),
        pytest.param("file:///etc/hosts", "scheme", id="file"),
        pytest.param("//issuer.example/", "scheme", id="no scheme"),
        pytest.param("", "scheme", id="empty"),
        pytest.param("https://user@127.0.0.1/", "userinfo", id="user"),
        pytest.param("https://user:pw@127.0.0.1/", "userinfo", id="password"),
        pytest.param("https://127.0.0.1@evil.example/", "userinfo", id="address as user"),
        pytest.param("https:///jwks", "malformed_url", id="no host"),
        pytest.param("https://127.0.0.1:0/", "malformed_url", id="port 0"),
        pytest.param("https://127.0.0.1:99999/", "malformed_url", id="port out of range"),
        pytest.param("https://127.0.0.1:x/", "malformed_url", id="port is a word"),
        pytest.param("https://127.0.0.1/#x", "malformed_url", id="fragment"),
        pytest.param("https://127.0.0.1\\@evil.example/", "malformed_url", id="backslash"),
        pytest.param("https://127.0.0.1/a b", "malformed_url", id="space"),
        pytest.param("https://127.0.0.1/\r\nX: y", "malformed_url", id="header injection"),
        pytest.param("https://127.0.0.1/\x00", "malformed_url", id="NUL"),
        pytest.param("https://issu\u00e9r.example/", "malformed_url", id="not ASCII"),
        pytest.param("https://[::1/", "malformed_url", id="open bracket"),
        pytest.param("https://127.0.0.1/" + "a" * 2048, "malformed_url", id="long"),
    ],
)
def test_a_hostile_url_is_refused_before_anything_is_resolved(url: str, reason: str) -> None:
    assert reason_of(url) == reason


@pytest.mark.parametrize("host", ["-.invalid", "a..b", "x" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_fails(host: str) -> None:
    with pytest.raises(OutgoingFailed, match="does not resolve"):
        get(f"https://{host}/")


def silent() -> socket.socket:
    import socket as sockets  # noqa: PLC0415 - the type is imported for checking only.

    listener = sockets.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_one_deadline_holds_for_a_server_that_never_shakes_hands() -> None:
    started = time.monotonic()
    with silent() as listener, pytest.raises(OutgoingFailed):
        get(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout_seconds=0.2)
    assert time.monotonic() - started < 3.0


def test_a_closed_port_fails() -> None:
    with silent() as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutgoingFailed, match="ConnectError"):
        get(f"https://127.0.0.1:{port}/")


def test_a_resolver_that_hangs_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket  # noqa: PLC0415 - the module is what is patched.

    release = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:  # noqa: ANN401
        release.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(OutgoingFailed):
        get("https://slow.example/", timeout_seconds=0.1)
    assert time.monotonic() - started < 3.0
    release.set()


def test_a_resolver_that_is_full_fails_in_time() -> None:
    for _ in range(outgoing.MAXIMUM_LOOKUPS):
        assert outgoing._lookups.acquire(blocking=False)  # noqa: SLF001 - all places are taken.
    try:
        with pytest.raises(OutgoingFailed, match="too many names"):
            get("https://127.0.0.1/", timeout_seconds=0.05)
    finally:
        outgoing._lookups.release(outgoing.MAXIMUM_LOOKUPS)  # noqa: SLF001


def test_a_fetch_without_time_fails_at_once() -> None:
    with pytest.raises(OutgoingFailed, match="too long"):
        get("https://127.0.0.1/", timeout_seconds=-1.0)
