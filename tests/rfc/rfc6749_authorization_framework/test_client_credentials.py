"""RFC 6749 section 4.4 and 5: the client credentials grant and its answers."""

import pytest

from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("RFC 6749", "5.1", "The answer has access_token, token_type, expires_in.")
def test_a_client_gets_a_token_for_its_default_scopes() -> None:
    tenant = make_tenant()
    make_api(tenant)
    client = make_client(tenant, scopes=["read"])

    response = OAuthClient(tenant).token(client)

    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["scope"] == "read"
    assert response["Cache-Control"] == "no-store"


def test_introspection_and_revocation() -> None:
    tenant = make_tenant()
    make_api(tenant)
    client = make_client(tenant, scopes=["read"])
    oauth = OAuthClient(tenant)
    token = oauth.token(client).json()["access_token"]
    assert oauth.introspect(client, token).json()["active"] is True
    assert oauth.revoke(client, token).status_code == 200
    assert oauth.introspect(client, token).json() == {"active": False}
