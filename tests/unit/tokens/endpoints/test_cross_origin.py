"""Tests of CORS: a client's own origins may read its answers, never with credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.records import SYSTEM
from tenants.services.clients import save_client
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import FORM, OAuthClient, basic

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example"
OTHER = "https://other.example"
STRANGE = [
    "null",
    "*",
    "https://app.example.evil.example",
    "https://app.example/",
    "https://APP.example",
    "http://app.example",
    "https://app.example:444",
    "app.example",
    "https://app.example\x00",
    "",
]


@pytest.fixture
def app() -> tuple[OAuthClient, MadeClient]:
    tenant = make_tenant()
    make_api(tenant)
    client = make_client(tenant, "app", scopes=["read"], cors_allowed_origins=[ORIGIN])
    make_client(tenant, "other", scopes=["read"], cors_allowed_origins=[OTHER])
    return OAuthClient(tenant), client


def _call(oauth: OAuthClient, path: str, origin: str, client: MadeClient | None) -> HttpResponse:
    headers = {"Origin": origin}
    if client is not None:
        headers["Authorization"] = basic(client.client_id, client.secret)
    return oauth.post_raw(path, "grant_type=client_credentials&token=x", **headers)


def _assert_closed(response: HttpResponse) -> None:
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/apis/orders/oauth/token"])
def test_a_client_s_own_origin_reads_answers_and_errors(
    app: tuple[OAuthClient, MadeClient], path: str
) -> None:
    oauth, client = app
    wrong = MadeClient(client.client, "wrong")
    for made, status in ((client, 200), (wrong, 401)):
        response = _call(oauth, path, ORIGIN, made)
        assert response.status_code == status
        assert response["Access-Control-Allow-Origin"] == ORIGIN
        assert response["Vary"] == "Origin"
        assert "WWW-Authenticate" in response["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("origin", [OTHER, *STRANGE], ids=range(len(STRANGE) + 1))
def test_no_other_origin_reads_anything(app: tuple[OAuthClient, MadeClient], origin: str) -> None:
    oauth, client = app
    response = _call(oauth, "/oauth/token", origin, client)
    assert response.status_code == 200
    _assert_closed(response)
    assert response["Vary"] == "Origin"


def test_without_a_client_nobody_reads_anything(app: tuple[OAuthClient, MadeClient]) -> None:
    oauth, _ = app
    _assert_closed(_call(oauth, "/oauth/token", ORIGIN, None))
    unreadable = oauth.post_raw("/oauth/token", "a=1&a=2", Origin=ORIGIN)
    assert unreadable.status_code == 400
    _assert_closed(unreadable)


def _preflight(oauth: OAuthClient, path: str, origin: str) -> HttpResponse:
    return oauth.http.options(
        f"{oauth.base}{path}",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_a_preflight_knows_every_client_s_origins(
    app: tuple[OAuthClient, MadeClient], path: str
) -> None:
    oauth, _ = app
    for origin in (ORIGIN, OTHER):
        response = _preflight(oauth, path, origin)
        assert (response.status_code, response.content) == (204, b"")
        assert response["Access-Control-Allow-Origin"] == origin
        assert "POST" in response["Access-Control-Allow-Methods"]
        assert "Authorization" in response["Access-Control-Allow-Headers"]
        assert response["Access-Control-Max-Age"] == "600"
        assert response["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("origin", STRANGE, ids=range(len(STRANGE)))
def test_a_preflight_of_a_stranger_is_empty(
    app: tuple[OAuthClient, MadeClient], origin: str
) -> None:
    oauth, _ = app
    response = _preflight(oauth, "/oauth/token", origin)
    assert response.status_code == 204
    _assert_closed(response)


@pytest.mark.parametrize("path", ["/oauth/introspect", "/session"])
def test_no_web_page_introspects_or_ends_sessions(
    app: tuple[OAuthClient, MadeClient], path: str
) -> None:
    oauth, client = app
    _assert_closed(_preflight(oauth, path, ORIGIN))
    if path == "/oauth/introspect":
        _assert_closed(_call(oauth, path, ORIGIN, client))


@pytest.mark.usefixtures("app")
def test_the_origins_of_one_tenant_are_strangers_to_another() -> None:
    neighbour = OAuthClient(make_tenant("initech"))
    _assert_closed(_preflight(neighbour, "/oauth/token", ORIGIN))


def test_a_disabled_client_opens_nothing(app: tuple[OAuthClient, MadeClient]) -> None:
    oauth, client = app
    client.client.is_enabled = False
    save_client(client.client, actor=SYSTEM)
    _assert_closed(_preflight(oauth, "/oauth/token", ORIGIN))


def test_a_form_from_a_page_counts_like_any_other(app: tuple[OAuthClient, MadeClient]) -> None:
    oauth, client = app
    body: dict[str, Any] = {"client_id": client.client_id, "client_secret": client.secret}
    response = oauth.http.post(
        f"{oauth.base}/oauth/token",
        "&".join(f"{k}={v}" for k, v in (body | {"grant_type": "client_credentials"}).items()),
        content_type=FORM,
        headers={"Origin": ORIGIN},
    )
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == ORIGIN
