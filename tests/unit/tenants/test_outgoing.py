"""The guarded fetch against real servers: what it reaches and what it refuses to read."""

from __future__ import annotations

import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenants.errors import OutgoingFailed, OutgoingRefused
from tenants.outgoing import Submission, fetch, notify
from tests.unit.tenants.answering_server import BODY, Server, issue, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django import Settings

JSON_TYPE = ("application/json",)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem for issuer.example and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("authority")
    root, root_key = issue("test root", None)
    names = (x509.DNSName("issuer.example"), x509.IPAddress(ip_address("127.0.0.1")))
    leaf, leaf_key = issue("issuer.example", (root.subject, root_key), *names)
    private = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture(autouse=True)
def _bounds(settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8", "::1/128"]
    settings.TENANTS_OUTGOING_TIMEOUT_SECONDS = 5.0
    settings.TENANTS_OUTGOING_MAX_BYTES = 65_536


@pytest.fixture
def names_asked() -> list[str]:
    return []


@pytest.fixture
def tls(
    authority: Path, monkeypatch: pytest.MonkeyPatch, names_asked: list[str]
) -> Iterator[Server]:
    """A TLS server whose authority is trusted by the variable that OpenSSL itself reads."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    context.sni_callback = lambda _socket, name, _context: names_asked.append(name or "")
    yield from serve(context)


@pytest.fixture
def plain() -> Iterator[Server]:
    yield from serve(None)


def requests_to(server: Server) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = server.RequestHandlerClass.requests  # type: ignore[attr-defined]  # set in serve()
    return found


def url_of(server: Server, path: str = "/good", scheme: str = "https") -> str:
    return f"{scheme}://127.0.0.1:{server.server_port}{path}"


def get(url: str, **bounds: Any) -> bytes:  # noqa: ANN401 - the bounds of fetch.
    return fetch(url, accepted_media_types=JSON_TYPE, **bounds)


def reason_of(url: str, **bounds: Any) -> str:  # noqa: ANN401 - the bounds of fetch.
    with pytest.raises(OutgoingRefused) as refused:
        get(url, **bounds)
    return refused.value.reason


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Stands in for DNS, which a test can't have: each look-up takes the next answer."""
    import socket  # noqa: PLC0415 - the module is what is patched.

    real = socket.getaddrinfo

    def install(name: str, *answers: list[str]) -> list[str]:
        left, asked = list(answers), []

        def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
            if host != name:
                return real(host, port, *rest, **named)
            asked.append(host)
            found = left.pop(0)
            return [entry for one in found for entry in real(one, port, *rest, **named)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return install


def test_a_document_is_fetched_over_tls(tls: Server) -> None:
    assert get(url_of(tls, "/good?a=b")) == BODY
    path, headers = requests_to(tls)[0]
    assert path == "/good?a=b"
    assert headers["host"] == f"127.0.0.1:{tls.server_port}"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert {"authorization", "cookie"}.isdisjoint(headers)


def test_the_checked_address_is_connected_to_under_the_urls_name(
    tls: Server, names_asked: list[str], resolver: Callable[..., list[str]]
) -> None:
    asked = resolver("issuer.example", ["127.0.0.1"], ["169.254.169.254"])
    assert get(f"https://issuer.example:{tls.server_port}/good") == BODY
    assert asked == ["issuer.example"], "a second look-up could give another address"
    assert names_asked == ["issuer.example"]
    assert requests_to(tls)[0][1]["host"] == f"issuer.example:{tls.server_port}"


def test_one_private_address_among_many_refuses_the_name(
    tls: Server, resolver: Callable[..., list[str]]
) -> None:
    resolver("issuer.example", ["127.0.0.1", "10.0.0.1"])
    assert reason_of(f"https://issuer.example:{tls.server_port}/good") == "private_address"
    assert requests_to(tls) == []


def test_the_next_address_is_tried_where_one_does_not_answer(
    tls: Server, resolver: Callable[..., list[str]]
) -> None:
    resolver("issuer.example", ["::1", "127.0.0.1"])
    assert get(f"https://issuer.example:{tls.server_port}/good") == BODY


def test_a_certificate_of_an_unknown_authority_fails(
    tls: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other, _ = issue("other root", None)
    (tmp_path / "other.pem").write_bytes(other.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with pytest.raises(OutgoingFailed):
        get(url_of(tls))
    assert requests_to(tls) == []


@pytest.fixture
def internal(authority: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A TLS server of a company's own authority, which no system trusts."""
    other, _ = issue("public root", None)
    (tmp_path / "public.pem").write_bytes(other.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    yield from serve(context)


def test_an_authority_of_the_operators_is_trusted(
    internal: Server, authority: Path, settings: Settings
) -> None:
    with pytest.raises(OutgoingFailed):
        get(url_of(internal))
    settings.TENANTS_OUTGOING_CA_FILE = str(authority / "ca.pem")
    assert get(url_of(internal)) == BODY


def test_the_operators_authorities_come_besides_the_public_ones(
    tls: Server, settings: Settings, tmp_path: Path
) -> None:
    other, _ = issue("operator's root", None)
    (tmp_path / "operator.pem").write_bytes(other.public_bytes(Encoding.PEM))
    settings.TENANTS_OUTGOING_CA_FILE = str(tmp_path / "operator.pem")
    assert get(url_of(tls)) == BODY


def test_a_file_of_authorities_that_went_away_fails(
    tls: Server, settings: Settings, tmp_path: Path
) -> None:
    settings.TENANTS_OUTGOING_CA_FILE = str(tmp_path / "gone.pem")
    with pytest.raises(OutgoingFailed, match="authorities"):
        get(url_of(tls))
    assert requests_to(tls) == []


def test_a_certificate_of_another_name_fails(
    tls: Server, resolver: Callable[..., list[str]]
) -> None:
    resolver("other.example", ["127.0.0.1"])
    with pytest.raises(OutgoingFailed):
        get(f"https://other.example:{tls.server_port}/good")
    assert requests_to(tls) == []


def test_proxy_variables_are_ignored(
    tls: Server, plain: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, url_of(plain, "", "http"))
    assert get(url_of(tls)) == BODY
    assert requests_to(plain) == []


def test_http_reaches_only_what_the_operator_allowed(plain: Server, settings: Settings) -> None:
    url = url_of(plain, "/good", "http")
    assert get(url) == BODY
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    assert reason_of(url) == "scheme"
    assert len(requests_to(plain)) == 1


def test_loopback_is_refused_unless_allowed(tls: Server, settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["10.0.0.0/8", "::1/128"]
    assert reason_of(url_of(tls)) == "private_address"
    assert requests_to(tls) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/redirect", "redirect"),
        ("/html", "media_type"),
        ("/compressed", "content_encoding"),
        ("/announced", "too_large"),
        ("/endless", "too_large"),
    ],
)
def test_an_answer_against_the_rules_is_refused(tls: Server, path: str, reason: str) -> None:
    assert reason_of(url_of(tls, path)) == reason
    assert [asked for asked, _ in requests_to(tls)] == [path]


@pytest.mark.parametrize("path", ["/missing", "/cut"])
def test_a_bad_answer_fails(tls: Server, path: str) -> None:
    with pytest.raises(OutgoingFailed):
        get(url_of(tls, path))


def test_the_size_is_the_callers_or_the_settings(tls: Server, settings: Settings) -> None:
    assert get(url_of(tls), max_bytes=len(BODY)) == BODY
    assert reason_of(url_of(tls), max_bytes=len(BODY) - 1) == "too_large"
    settings.TENANTS_OUTGOING_MAX_BYTES = len(BODY) - 1
    assert reason_of(url_of(tls)) == "too_large"


def test_one_deadline_holds_for_an_answer_that_drips(tls: Server) -> None:
    started = time.monotonic()
    with pytest.raises(OutgoingFailed, match=r"too long|Timeout"):
        get(url_of(tls, "/drip"), timeout_seconds=0.3)
    assert time.monotonic() - started < 3.0


FORM = Submission(b"token=a%26b", "Basic dXM6c2VjcmV0")


def test_a_form_is_posted_with_its_credentials(tls: Server) -> None:
    assert get(url_of(tls), submission=FORM) == BODY
    ((path, headers),) = requests_to(tls)
    assert (path, headers[":body"]) == ("/good", "token=a%26b")
    assert headers["authorization"] == "Basic dXM6c2VjcmV0"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "secret" not in repr(FORM)
    assert "token" not in repr(FORM)


@pytest.mark.parametrize("path", ["/redirect", "/html", "/compressed", "/announced", "/endless"])
def test_a_form_is_sent_once_whatever_is_answered(tls: Server, path: str) -> None:
    with pytest.raises(OutgoingRefused):
        get(url_of(tls, path), submission=FORM)
    assert [asked for asked, _ in requests_to(tls)] == [path]


def test_no_credentials_leave_in_plain_text_to_the_public(
    plain: Server, settings: Settings
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    with pytest.raises(OutgoingRefused):
        get(url_of(plain, scheme="http"), submission=FORM)
    assert requests_to(plain) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/good", 200),
        ("/missing", 404),
        ("/redirect", 302),
        ("/html", 200),
        ("/announced", 200),
        ("/endless", 200),
        ("/drip", 200),
    ],
)
def test_a_notice_is_answered_by_its_status_alone(tls: Server, path: str, status: int) -> None:
    started = time.monotonic()
    assert notify(url_of(tls, path), b"logout_token=a.b.c", timeout_seconds=5.0) == status
    assert time.monotonic() - started < 3.0
    ((asked, headers),) = requests_to(tls)
    assert (asked, headers[":body"]) == (path, "logout_token=a.b.c")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in headers


def test_a_notice_goes_where_a_fetch_may_go(tls: Server, settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    with pytest.raises(OutgoingRefused) as refused:
        notify(url_of(tls), b"a=b", timeout_seconds=5.0)
    assert refused.value.reason == "private_address"
    assert requests_to(tls) == []


def test_a_notice_that_nobody_takes_fails(tls: Server, resolver: Callable[..., list[str]]) -> None:
    resolver("other.example", ["127.0.0.1"])
    with pytest.raises(OutgoingFailed):
        notify(f"https://other.example:{tls.server_port}/good", b"a=b", timeout_seconds=5.0)
