"""RFC 7009: a client ends a token that it no longer needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.tenants import make_client

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 7009", "2", "A client revokes its own access token, at once.")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_revoked_token_is_inactive(oauth: OAuthClient, tenant: Tenant, token_format: str) -> None:
    client = make_client(tenant, scopes=["read"], access_token_format=token_format)
    token, other = (oauth.token(client).json()["access_token"] for _ in range(2))
    response = oauth.revoke(client, token)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert oauth.introspect(client, token).json() == {"active": False}
    assert oauth.introspect(client, other).json()["active"] is True


@pytest.mark.requirement("RFC 7009", "2.2", "Revoking twice is no error.")
def test_revoking_twice_is_no_error(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    assert [oauth.revoke(service, token).status_code for _ in range(2)] == [200, 200]


@pytest.mark.requirement("RFC 7009", "2.1", "A refresh token takes its access tokens with it.")
@pytest.mark.parametrize("which", ["used", "newest"])
def test_revoking_a_refresh_token_ends_its_family(
    oauth: OAuthClient, refresher: MadeClient, which: str
) -> None:
    first = oauth.token(refresher).json()
    second = oauth.token(
        refresher, grant_type="refresh_token", refresh_token=first["refresh_token"]
    ).json()
    text = {"used": first, "newest": second}[which]["refresh_token"]
    assert oauth.revoke(refresher, text).status_code == 200
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert oauth.introspect(refresher, token).json() == {"active": False}
    response = oauth.token(
        refresher, grant_type="refresh_token", refresh_token=second["refresh_token"]
    )
    assert response.json()["error"] == "invalid_grant"


@pytest.mark.requirement("RFC 7009", "2.1", "A token of another client is left alone.")
def test_nobody_revokes_for_another(
    oauth: OAuthClient, tenant: Tenant, refresher: MadeClient, gateway: MadeClient
) -> None:
    answer = oauth.token(refresher).json()
    stranger = make_client(tenant, "stranger")
    for client in (stranger, gateway):
        for token in (answer["access_token"], answer["refresh_token"]):
            response = oauth.revoke(client, token)
            assert (response.status_code, response.json()) == (200, {})
            assert oauth.introspect(refresher, token).json()["active"] is True


@pytest.mark.requirement("RFC 7009", "2.2", "An invalid token is no error either.")
@pytest.mark.parametrize(
    "text", ["garbage", "a.b.c", "A" * 64, "art_" + "A" * 64, "😀", "x" * 60_000]
)
def test_garbage_is_answered_alike(oauth: OAuthClient, service: MadeClient, text: str) -> None:
    response = oauth.revoke(service, text)
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.requirement("RFC 7009", "2.1", "The client is authenticated first.")
def test_the_caller_must_authenticate(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    assert oauth.revoke(None, token).status_code == 401
    assert oauth.introspect(service, token).json()["active"] is True


@pytest.mark.requirement("RFC 7009", "2.1", "A public client names itself by its client_id.")
def test_a_public_client_may_revoke(oauth: OAuthClient, tenant: Tenant) -> None:
    public = make_client(
        tenant, "public", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    assert oauth.revoke(None, "garbage", client_id=public.client_id).status_code == 200


def test_the_token_is_required(oauth: OAuthClient, service: MadeClient) -> None:
    response = oauth.post("/oauth/revoke", service)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("RFC 7009", "2.1", "A wrong token_type_hint changes nothing.")
@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
def test_the_hint_does_not_matter(oauth: OAuthClient, refresher: MadeClient, hint: str) -> None:
    token = oauth.token(refresher).json()["access_token"]
    oauth.revoke(refresher, token, token_type_hint=hint)
    assert oauth.introspect(refresher, token).json() == {"active": False}
