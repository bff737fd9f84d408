"""The lean adapter answers as Django does, and hands on what is not its own."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from authplatform.lean_adapter import LeanAdapter
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import FORM, OAuthClient, basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse

    from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db
Headers = dict[str, str]
# Of the moment, or of the server in front.
PASSING = {"x-request-id", "content-length", "x-refusal-trace", "vary"}


class Answered:
    """What an application answered."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: Headers = {}
        self.body = b""
        self.written: list[bytes] = []

    def start(
        self, status: str, headers: list[tuple[str, str]], _failure: object = None, /
    ) -> Callable[[bytes], object]:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        return self.written.append


def handed_on(_environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
    """Stand for Django where only the handing-on matters."""
    start("299 handed on", [])
    return []


def call(path: str, body: bytes = b"", *, method: str = "POST", **variables: str) -> Answered:
    """Send a request through the adapter."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
        **variables,
    }
    answered = Answered()
    answered.body = b"".join(LeanAdapter(handed_on)(environ, answered.start))
    return answered


@pytest.fixture
def client() -> MadeClient:
    tenant = make_tenant()
    make_api(tenant)
    return make_client(tenant, scopes=["read"])


REQUESTS: dict[str, tuple[str, bytes, bool]] = {
    "a token": ("oauth/token", b"grant_type=client_credentials", True),
    "a scope that is not there": ("oauth/token", b"grant_type=client_credentials&scope=x", True),
    "no client": ("oauth/token", b"grant_type=client_credentials", False),
    "an unknown grant": ("oauth/token", b"grant_type=password", True),
    "a parameter twice": ("oauth/token", b"grant_type=a&grant_type=b", True),
    "no text at all": ("oauth/token", b"", True),
    "bytes that are no UTF-8": ("oauth/token", b"grant_type=%ff", True),
    "a NUL": ("oauth/token", b"grant_type=%00", True),
    "more than is read": ("oauth/token", b"a=" + b"b" * 70_000, True),
    "an introspection of nothing": ("oauth/introspect", b"token=x", True),
    "an introspection without client": ("oauth/introspect", b"token=x", False),
    "a revocation of nothing": ("oauth/revoke", b"token=x", True),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_adapter_answers_as_django_does(client: MadeClient, name: str) -> None:
    path, body, is_authenticated = REQUESTS[name]
    header = basic(client.client_id, client.secret)
    oauth = OAuthClient(client.client.tenant)
    variables = {"HTTP_AUTHORIZATION": header} if is_authenticated else {}
    sent = {"Authorization": header} if is_authenticated else {}

    lean = call(f"{oauth.base}/{path}", body, **variables)
    django = oauth.post_raw(f"/{path}", body, **sent)

    assert int(lean.status.split()[0]) == django.status_code
    theirs = {name.lower(): value for name, value in django.items()}
    assert {k: v for k, v in lean.headers.items() if k not in PASSING} == {
        k: v for k, v in theirs.items() if k not in PASSING
    }
    assert without_token(lean.body) == without_token(django.content)
    assert len(lean.headers["x-request-id"]) == 32


def without_token(body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body)
    return {name: value for name, value in answer.items() if name != "access_token"}


def test_a_token_of_the_adapter_is_a_token(client: MadeClient) -> None:
    oauth = OAuthClient(client.client.tenant)
    header = basic(client.client_id, client.secret)
    answered = call(
        f"{oauth.base}/oauth/token", b"grant_type=client_credentials", HTTP_AUTHORIZATION=header
    )
    token = json.loads(answered.body)["access_token"]
    assert oauth.introspect(client, token).json()["active"] is True


def test_an_unknown_issuer_is_not_found() -> None:
    answered = call("/t/no/such/tenant/oauth/token", b"grant_type=client_credentials")
    assert answered.status.startswith("404")
    assert json.loads(answered.body)["error"] == "not_found"


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("/t/a/b/c/oauth/token", {"method": "GET"}),
        ("/t/a/b/c/oauth/token", {"HTTP_TRANSFER_ENCODING": "chunked"}),
        ("/t/a/b/c/jwks", {}),
        ("/t/a/b/oauth/token", {}),
        ("/t/A/b/c/oauth/token", {}),
        ("/t/a/b/c/oauth/token/", {}),
        ("/t/a/b/c\x00/oauth/token", {}),
        ("/admin/", {}),
    ],
    ids=["GET", "chunked", "jwks", "short", "capital", "slash", "NUL", "admin"],
)
def test_everything_else_is_handed_on(path: str, variables: dict[str, str]) -> None:
    assert call(path, b"grant_type=client_credentials", **variables).status == "299 handed on"


def test_the_admin_host_is_handed_on(settings: Settings) -> None:
    settings.AUTHPLATFORM_ADMIN_BASE_URL = "https://admin.example"
    answered = call("/t/a/b/c/oauth/token", HTTP_HOST="admin.example")
    assert answered.status == "299 handed on"


def test_a_length_that_is_no_number_reads_nothing(client: MadeClient) -> None:
    oauth = OAuthClient(client.client.tenant)
    answered = call(f"{oauth.base}/oauth/token", b"grant_type=x", CONTENT_LENGTH="-1")
    assert answered.status.startswith("4")
