"""Space Blocks: a backend swaps its credentials for a token by JSON, and a block reads it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.factories.tenants import (
    MadeClient,
    make_api,
    make_client,
    make_environment,
    make_tenant,
)
from tests.oauth_client import OAuthClient
from tests.seeds.wire import post_json, read_jwt

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
TOKEN_PATH = "/token-manager/token"
AUDIENCE = "https://localhost:5001/"


@dataclass(frozen=True, slots=True)
class Backend:
    """A customer's backend, and its tenant."""

    tenant: Tenant
    oauth: OAuthClient
    client: MadeClient

    def body(self, **more: str) -> dict[str, str]:
        return {"client_id": "foo", "client_secret": self.client.secret, **more}

    def ask(self, **more: str) -> Response:
        return post_json(self.oauth, TOKEN_PATH, self.body(scope="foo:bar", **more))


@pytest.fixture
def backend() -> Backend:
    return make_backend(allow_spaceblocks_alias=True)


def make_backend(**switches: bool) -> Backend:
    tenant = make_tenant(
        "foo",
        environment=make_environment("bar", "lorem"),
        claim_profile="spaceblocks",
        signing_algorithm="RS256",
        **switches,
    )
    make_api(tenant, "foo-block", audience=AUDIENCE, scopes=["foo:bar", "foo:write"])
    client = make_client(
        tenant, "foo", scopes=["foo:bar"], token_endpoint_auth_method="client_secret_post"
    )
    return Backend(tenant, OAuthClient(tenant), client)


def test_backend_gets_the_documented_answer(backend: Backend) -> None:
    answer = backend.ask().json()

    assert set(answer) == {"access_token", "expires_in", "scope", "token_type"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    assert answer["scope"] == "foo:bar"


def test_block_reads_the_claims_of_the_sample(backend: Backend) -> None:
    token = backend.ask().json()["access_token"]

    claims = read_jwt(backend.oauth, token, audience=AUDIENCE, algorithm="RS256")
    began, ends, token_id = claims.pop("iat"), claims.pop("exp"), claims.pop("jti")
    assert ends - began == 3600
    assert str(uuid.UUID(token_id)) == token_id
    assert claims == {
        "aud": [AUDIENCE],
        "client_id": "foo",
        "ext": {
            "spaceblocks_project_id": "bar",
            "spaceblocks_environment_id": "lorem",
            "spaceblocks_tenant_id": "foo",
            "app_tenant_id": "",
            "app_subject_id": "",
        },
        "iss": f"http://localhost:8000/t/{backend.tenant.path}/",
        "nbf": began,
        "scp": ["foo:bar"],
        "sub": "foo",
    }


def test_api_key_beside_the_credentials_is_ignored(backend: Backend) -> None:
    with_key = post_json(backend.oauth, TOKEN_PATH, backend.body(), apiKey="any-key-at-all")
    without = post_json(backend.oauth, TOKEN_PATH, backend.body())
    only_key = post_json(backend.oauth, TOKEN_PATH, {"client_id": "foo"}, apiKey="any-key-at-all")

    assert with_key.status_code == without.status_code == 200
    assert with_key.json()["scope"] == without.json()["scope"] == "foo:bar"
    assert (only_key.status_code, only_key.json()["error"]) == (401, "invalid_client")


def test_token_can_be_introspected_and_revoked_with_standard_endpoints(backend: Backend) -> None:
    token = backend.ask().json()["access_token"]

    introspected = backend.oauth.introspect(backend.client, token).json()
    assert (introspected["active"], introspected["scp"]) == (True, ["foo:bar"])
    assert backend.oauth.revoke(backend.client, token).status_code == 200
    assert backend.oauth.introspect(backend.client, token).json() == {"active": False}


def test_scope_of_nobody_and_scope_of_others_are_refused(backend: Backend) -> None:
    for scope in ("foo:nothing", "foo:write"):
        refused = post_json(backend.oauth, TOKEN_PATH, backend.body(scope=scope))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_impersonation_is_refused_rather_than_left_out(backend: Backend) -> None:
    refused = backend.ask(app_tenant_id="tenant-123", app_subject_id="user-123")
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


def test_address_is_not_served_unless_the_tenant_switches_it_on() -> None:
    assert make_backend().ask().status_code == 404
