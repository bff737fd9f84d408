"""RFC 6750 at `DELETE /session`: a bearer token that authorises its own end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient


def test_a_token_without_session_ends_itself(oauth: OAuthClient, service: MadeClient) -> None:
    token, other = (oauth.token(service).json()["access_token"] for _ in range(2))
    response = oauth.end_session(token)
    assert (response.status_code, response.content) == (204, b"")
    assert oauth.introspect(service, token).json() == {"active": False}
    assert oauth.introspect(service, other).json()["active"] is True
    assert oauth.end_session(token).status_code == 401


def test_a_token_of_a_session_ends_the_session(oauth: OAuthClient, refresher: MadeClient) -> None:
    first = oauth.token(refresher).json()
    second = oauth.token(
        refresher, grant_type="refresh_token", refresh_token=first["refresh_token"]
    ).json()
    assert oauth.end_session(first["access_token"]).status_code == 204
    for token in (second["access_token"], second["refresh_token"]):
        assert oauth.introspect(refresher, token).json() == {"active": False}


@pytest.mark.requirement("RFC 6750", "3", "Without a token the challenge names no error.")
@pytest.mark.parametrize("header", ["", "Basic YTpi", "Digest x"])
def test_a_missing_token_is_challenged(oauth: OAuthClient, tenant: Tenant, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    response = oauth.http.delete(f"{oauth.base}/session", headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == f'Bearer realm="{issuer_of(tenant)}"'


BAD = ["Bearer", "Bearer ", "Bearer x y", "Bearer garbage", "Bearer ü", "bearer a.b.c", "Bearer =a"]


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("RFC 6750", "3.1", "A token that is no good is an invalid_token.")
@pytest.mark.parametrize("header", BAD)
def test_a_bad_token_is_an_invalid_token(oauth: OAuthClient, header: str) -> None:
    response = oauth.http.delete(f"{oauth.base}/session", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_token"
    assert response["Cache-Control"] == "no-store"
    assert re.fullmatch(
        r'Bearer realm="[^"]+", error="invalid_token", error_description="[^"]+"',
        response["WWW-Authenticate"],
    )


@pytest.mark.requirement("RFC 6750", "2.1", "The scheme's name is case-insensitive.")
def test_the_scheme_is_case_insensitive(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    response = oauth.http.delete(
        f"{oauth.base}/session", headers={"Authorization": f"bEARER {token}"}
    )
    assert response.status_code == 204


@pytest.mark.requirement("RFC 6750", "2.3", "No token is taken from the query or from a body.")
def test_the_header_is_the_only_place(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    response = oauth.http.delete(
        f"{oauth.base}/session?access_token={token}",
        f"access_token={token}",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 401
    assert oauth.introspect(service, token).json()["active"] is True


def test_a_refresh_token_is_no_bearer_token(oauth: OAuthClient, refresher: MadeClient) -> None:
    refresh_token = oauth.token(refresher).json()["refresh_token"]
    assert oauth.end_session(refresh_token).status_code == 401


def test_what_an_api_could_forge_authorises_nothing(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "users", scopes=["search"], signing_algorithm="HS256")
    client = make_client(tenant, scopes=["search"])
    token = oauth.token(client).json()["access_token"]
    assert oauth.end_session(token).status_code == 401
    assert oauth.introspect(client, token).json()["active"] is True
    assert oauth.revoke(client, token).status_code == 200
    assert oauth.introspect(client, token).json() == {"active": False}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_only_delete_is_answered(oauth: OAuthClient, method: str) -> None:
    response = oauth.http.generic(method, f"{oauth.base}/session")
    assert response.status_code == 405
    assert response["Allow"] == "DELETE, OPTIONS"
