"""OneWelcome: three keys, previous, current and next; whoever rotates them interrupts nobody."""

from __future__ import annotations

import jwt
import pytest

from tenants.records import SYSTEM
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import read_jwt
from tokens import keys

pytestmark = pytest.mark.django_db
AUDIENCE = "profile-api"


@pytest.fixture
def web() -> MadeClient:
    tenant = make_tenant(claim_profile="onewelcome", signing_algorithm="RS256")
    api = make_api(tenant, "profile", audience=AUDIENCE, scopes=["read"])
    web = make_client(tenant, "web", scopes=["read"])
    api.resource_server_clients.add(web.client)
    return web


def test_gateway_knows_the_next_key_before_it_signs(web: MadeClient) -> None:
    tenant = web.client.tenant
    oauth = OAuthClient(tenant)
    first = oauth.token(web).json()["access_token"]
    cached = oauth.get("/jwks").json()
    keys.rotate(tenant.pk, "RS256", None, actor=SYSTEM)
    second = oauth.token(web).json()["access_token"]
    assert kid_of(second) != kid_of(first)
    key = jwt.PyJWKSet.from_dict(cached)[kid_of(second)]
    assert jwt.decode(second, key, algorithms=["RS256"], audience=AUDIENCE)


def test_token_signed_before_the_rotation_is_good_until_it_ends(web: MadeClient) -> None:
    tenant = web.client.tenant
    oauth = OAuthClient(tenant)
    token = oauth.token(web).json()["access_token"]
    keys.rotate(tenant.pk, "RS256", None, actor=SYSTEM)
    assert read_jwt(oauth, token, audience=AUDIENCE, algorithm="RS256")
    assert oauth.introspect(web, token).json()["active"] is True
    assert len(oauth.get("/jwks").json()["keys"]) == 3


def test_leaked_key_is_gone_at_once_with_all_that_it_signed(web: MadeClient) -> None:
    tenant = web.client.tenant
    oauth = OAuthClient(tenant)
    token = oauth.token(web).json()["access_token"]
    keys.rotate(tenant.pk, "RS256", None, emergency=True, reason="leaked", actor=SYSTEM)
    assert kid_of(token) not in {key["kid"] for key in oauth.get("/jwks").json()["keys"]}
    assert oauth.introspect(web, token).json() == {"active": False}
    assert oauth.token(web).status_code == 200


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
