import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from authplatform.middleware import AdminHost, ClientAddress, SecurityHeaders


def _show_address(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.scheme} {request.META['REMOTE_ADDR']}")


def _answer_page(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>")


def test_every_answer_has_an_id_of_ours(client: Client) -> None:
    first = client.get("/healthz", headers={"X-Request-Id": "chosen-by-the-caller"})
    second = client.get("/no-such-page")
    ids = [first["X-Request-Id"], second["X-Request-Id"]]
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("203.0.113.9", "198.51.100.1", "http 203.0.113.9", id="unknown peer"),
        pytest.param("10.0.0.1", "198.51.100.1", "https 198.51.100.1", id="one proxy"),
        pytest.param("::ffff:10.0.0.1", "198.51.100.1", "https 198.51.100.1", id="mapped proxy"),
        pytest.param("::ffff:11.0.0.1", "198.51.100.1", "http ::ffff:11.0.0.1", id="mapped peer"),
        pytest.param("10.0.0.1", "6.6.6.6, 198.51.100.1", "https 198.51.100.1", id="invented"),
        pytest.param("10.0.0.1", "198.51.100.1, 10.0.0.2", "https 198.51.100.1", id="two proxies"),
        pytest.param("10.0.0.1", "rubbish", "https 10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", "", "https 10.0.0.1", id="empty"),
        pytest.param("10.0.0.1", "2001:db8::1", "https 2001:db8::1", id="version 6"),
    ],
)
def test_client_address_is_the_nearest_that_no_trusted_proxy_has(
    settings: Settings, peer: str, forwarded: str, expected: str
) -> None:
    settings.AUTHPLATFORM_TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get(
        "/",
        REMOTE_ADDR=peer,
        headers={"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"},
    )
    response = ClientAddress(_show_address)(request)
    assert isinstance(response, HttpResponse)
    assert response.content.decode() == expected


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("admin.example", "/admin/", 200),
        ("admin.example", "/static/a.css", 200),
        ("admin.example", "/t/a/b/c/oauth/authorize", 404),
        ("login.example", "/admin/", 404),
        ("login.example", "/static/a.css", 200),
        ("login.example", "/t/a/b/c/oauth/token", 200),
        ("10.1.2.3", "/healthz", 200),
    ],
)
def test_admin_and_end_users_keep_to_their_hosts(
    settings: Settings, host: str, path: str, status: int
) -> None:
    settings.AUTHPLATFORM_ADMIN_BASE_URL = "https://admin.example"
    settings.TENANTS_BASE_URL = "https://login.example"
    request = RequestFactory().get(path, headers={"Host": host})
    assert AdminHost(_answer_page)(request).status_code == status


def test_page_of_an_end_user_has_a_strict_policy(settings: Settings) -> None:
    settings.TENANTS_BASE_URL = "https://login.example"
    response = SecurityHeaders(_answer_page)(RequestFactory().get("/t/a/b/c/oauth/authorize"))
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Strict-Transport-Security"].startswith("max-age=31536000")
    assert response["Referrer-Policy"] == "no-referrer"


def test_only_the_admin_may_evaluate() -> None:
    response = SecurityHeaders(_answer_page)(RequestFactory().get("/admin/"))
    assert "'unsafe-eval'" in response["Content-Security-Policy"]


def test_token_path_has_no_session_and_sets_no_cookie(client: Client) -> None:
    response = client.get("/healthz")
    assert not hasattr(response.wsgi_request, "session")
    assert not response.cookies


@pytest.mark.django_db
def test_admin_form_without_its_token_is_refused() -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"})
    assert response.status_code == 403


def test_static_file_is_served(client: Client) -> None:
    response = client.get("/static/admin/css/base.css")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert b"".join(response)
