"""RFC 6749 section 3.2: what a request to the token endpoint may look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

ONCE = ("grant_type", "scope", "client_id", "client_secret", "refresh_token", "foo")


@pytest.mark.requirement("RFC 6749", "3.2", "Parameters must not be included more than once.")
@pytest.mark.parametrize("name", ONCE)
@pytest.mark.parametrize("values", [("a", "a"), ("a", "b"), ("", "a"), ("a", "")])
def test_a_repeated_parameter_is_refused(
    oauth: OAuthClient, service: MadeClient, name: str, values: tuple[str, str]
) -> None:
    response = oauth.post("/oauth/token", service, **{name: list(values)})
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


@pytest.mark.requirement("RFC 6749", "3.2", "A parameter without a value counts as omitted.")
def test_an_empty_parameter_counts_as_omitted(oauth: OAuthClient, service: MadeClient) -> None:
    assert oauth.token(service, scope="", audience="", client_secret="").status_code == 200


@pytest.mark.requirement("RFC 6749", "3.2", "Unrecognised parameters are ignored.")
def test_an_unknown_parameter_is_ignored(oauth: OAuthClient, service: MadeClient) -> None:
    assert oauth.token(service, unheard_of="x").status_code == 200


@pytest.mark.requirement("RFC 6749", "5.2", "A missing parameter is an invalid_request.")
def test_a_missing_grant_type_is_named(oauth: OAuthClient, service: MadeClient) -> None:
    response = oauth.post("/oauth/token", service, scope="read")
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert "grant_type" in response.json()["error_description"]


@pytest.mark.usefixtures("service")
@pytest.mark.requirement("RFC 6749", "3.2", "The client must use POST.")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
def test_only_post_is_answered(oauth: OAuthClient, method: str) -> None:
    response = oauth.http.generic(method, f"{oauth.base}/oauth/token?grant_type=client_credentials")
    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"
    assert response["Cache-Control"] == "no-store"


def test_sizes_are_bounded(oauth: OAuthClient, service: MadeClient) -> None:
    many = {f"p{number}": "x" for number in range(64)}
    assert oauth.token(service, **many).status_code == 400
    assert oauth.token(service, padding="x" * 65_536).status_code == 413
    assert oauth.token(service, scope="x" * 5_000).status_code == 400


def test_what_is_below_the_bounds_is_answered(oauth: OAuthClient, service: MadeClient) -> None:
    many = {f"p{number}": "x" * 500 for number in range(60)}
    assert oauth.token(service, **many).status_code == 200


OTHER_TYPES = ("text/plain", "multipart/form-data; boundary=x", "application/xml", "", "x", "a/b/c")


@pytest.mark.usefixtures("service")
@pytest.mark.requirement("RFC 6749", "3.2", "The parameters are form-encoded.")
@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_another_content_type_is_refused(oauth: OAuthClient, content_type: str) -> None:
    response = oauth.post_raw(
        "/oauth/token", "grant_type=client_credentials", content_type=content_type
    )
    assert response.status_code == 415
    assert response.json()["error"] == "invalid_request"
