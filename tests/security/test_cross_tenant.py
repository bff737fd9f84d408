"""A tenant is an island: what belongs to another reads as not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tenants.errors import InvalidEntity
from tenants.models import AccessPolicy, Api, ClaimRule, Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.clients import delete_client, save_client
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Island:
    """A tenant with an Api, a client and its resource server, named alike everywhere."""

    tenant: Tenant
    oauth: OAuthClient
    client: MadeClient
    gateway: MadeClient

    def token(self) -> dict[str, str]:
        answer: dict[str, str] = self.oauth.token(self.client).json()
        return answer


def _make(slug: str) -> Island:
    tenant = make_tenant(slug)
    api = make_api(tenant)
    client = make_client(
        tenant,
        scopes=["read"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )
    gateway = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    return Island(tenant, OAuthClient(tenant), client, gateway)


@pytest.fixture
def here() -> Island:
    return _make("globex")


@pytest.fixture
def there() -> Island:
    return _make("initech")


def test_a_client_is_unknown_in_another_tenant(here: Island, there: Island) -> None:
    for answer in (
        there.oauth.token(here.client),
        there.oauth.introspect(here.gateway, "x"),
        there.oauth.revoke(here.client, "x"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_tokens_are_unknown_in_another_tenant(here: Island, there: Island) -> None:
    answer = here.token()
    for token in (answer["access_token"], answer["refresh_token"]):
        for client in (there.client, there.gateway):
            assert there.oauth.introspect(client, token).json() == {"active": False}
        assert there.oauth.revoke(there.client, token).status_code == 200
        assert there.oauth.end_session(token).status_code == 401
        assert here.oauth.introspect(here.client, token).json()["active"] is True
    refreshed = there.oauth.token(
        there.client, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    again = here.oauth.token(
        here.client, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert again.status_code == 200


def test_audiences_and_scopes_of_another_tenant_do_not_exist(here: Island, there: Island) -> None:
    make_api(there.tenant, "vault", scopes=["open"])
    audience = here.oauth.token(here.client, audience="https://vault.example/")
    assert audience.json()["error"] == "invalid_target"
    scope = here.oauth.token(here.client, scope="open")
    unknown = here.oauth.token(here.client, scope="never-heard-of")
    assert scope.content == unknown.content
    path = here.oauth.post("/apis/vault/oauth/token", here.client, grant_type="client_credentials")
    assert path.json()["error"] == "invalid_target"


def test_policies_of_another_tenant_count_for_nothing(here: Island, there: Island) -> None:
    changes.save(AccessPolicy(tenant=there.tenant, slug="no", effect="deny"), actor=SYSTEM)
    assert there.oauth.token(there.client).status_code == 400
    assert here.oauth.token(here.client).status_code == 200


def test_no_link_crosses_the_border(here: Island, there: Island) -> None:
    scope = Scope.objects.get(tenant=there.tenant, name="read")
    with pytest.raises(InvalidEntity, match="scopes"):
        save_client(here.client.client, actor=SYSTEM, links={"scopes": [scope]})
    api = Api.objects.get(tenant=here.tenant, slug="orders")
    with pytest.raises(InvalidEntity, match="resource_server_clients"):
        changes.save(api, actor=SYSTEM, links={"resource_server_clients": [there.gateway.client]})
    policy = AccessPolicy(tenant=here.tenant, slug="mine")
    with pytest.raises(InvalidEntity, match="clients"):
        changes.save(policy, actor=SYSTEM, links={"clients": [there.client.client]})
    foreign = Api.objects.get(tenant=there.tenant, slug="orders")
    rule = ClaimRule(
        tenant=here.tenant, slug="mine", claim="https://x.example", value=1, api=foreign
    )
    with pytest.raises(InvalidEntity, match="api"):
        changes.save(rule, actor=SYSTEM)


def test_the_same_names_mean_different_things(here: Island, there: Island) -> None:
    one, two = (
        island.oauth.introspect(island.gateway, island.token()["access_token"]).json()
        for island in (here, there)
    )
    assert one["client_id"] == two["client_id"]
    assert one["iss"] != two["iss"]


def test_a_client_that_goes_takes_its_policy_with_it(here: Island) -> None:
    # A policy without links is everybody's, so it must not lose its last one.
    stranger = make_client(here.tenant, "stranger", scopes=["read"], is_allowed=False)
    assert here.oauth.token(stranger).json()["error"] == "unauthorized_client"
    delete_client(here.client.client, actor=SYSTEM)
    assert here.oauth.token(stranger).json()["error"] == "unauthorized_client"
    assert not AccessPolicy.objects.filter(tenant=here.tenant).exists()


def test_an_api_that_goes_takes_its_policy_with_it(here: Island) -> None:
    bills = make_api(here.tenant, "bills", scopes=["pay"])
    payer = make_client(here.tenant, "payer", scopes=["read"], is_allowed=False)
    policy = AccessPolicy(tenant=here.tenant, slug="bills")
    changes.save(policy, actor=SYSTEM, links={"apis": [bills]})
    assert here.oauth.token(payer).json()["error"] == "unauthorized_client"
    changes.delete(bills, actor=SYSTEM)
    assert here.oauth.token(payer).json()["error"] == "unauthorized_client"
