"""OneWelcome: a partner's API reads what a user may do, by the version that the client has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.errors import InvalidEntity
from tenants.models import Group, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
POLICIES = "urn:onegini.com:oidc:group_policies"
VERSIONS = {"current": "", "legacy": "group_permissions", "arrays": "rfc9068", "silent": "none"}


@dataclass(frozen=True, slots=True)
class Partner:
    """A business partner's tenant with one user, who is in a group."""

    tenant: Tenant
    oauth: OAuthClient
    gateway: MadeClient
    directory: Application
    group: Group

    def ask(self, client_id: str) -> dict[str, Any]:
        """Get tokens for the user."""
        assertion = self.directory.sign("user-1")
        answer = self.oauth.token(grant_type=JWT_BEARER, client_id=client_id, assertion=assertion)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def read(self, client_id: str) -> dict[str, Any]:
        """Read the claims of a new token for the user."""
        token = self.ask(client_id)["access_token"]
        return read_jwt(self.oauth, token, audience="partner-api", algorithm="RS256")

    def introspect(self, token: str) -> dict[str, Any]:
        """Ask about a token as the API's gateway."""
        return dict(self.oauth.introspect(self.gateway, token).json())


@pytest.fixture
def partner() -> Partner:
    tenant = make_tenant(claim_profile="onewelcome", signing_algorithm="RS256")
    api = make_api(tenant, "partner", audience="partner-api", scopes=["read"])
    gateway = make_client(tenant, "gateway")
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    for client_id, version in VERSIONS.items():
        make_client(
            tenant,
            client_id,
            scopes=["read"],
            kind="spa",
            token_endpoint_auth_method="none",
            grant_types=[JWT_BEARER, "refresh_token"],
            group_claims=version,
        )
    directory = trust_application(
        tenant,
        "https://directory.example",
        audience="https://tokens.example",
        maximum=["read"],
        provisioning="create",
    )
    group = Group(tenant=tenant, slug="buyers", name="Buyers", permissions=["order", "return"])
    made = Partner(tenant, OAuthClient(tenant), gateway, directory, group)
    made.ask("silent")
    links = {"subjects": [Subject.objects.get(tenant=tenant)]}
    changes.save(group, actor=SYSTEM, links=links)
    return made


def expected(partner: Partner) -> dict[str, dict[str, Any]]:
    group = {"id": str(partner.group.pk), "name": "Buyers"}
    policies = [{"id": name, "name": name} for name in ("order", "return")]
    listed = [{**group, "permissions": ["order", "return"]}]
    return {
        "current": {POLICIES: {"groups": [{**group, "policies": policies}]}},
        "legacy": {"group_permissions": json.dumps(listed, separators=(",", ":"))},
        "arrays": {"groups": ["buyers"], "entitlements": ["order", "return"]},
        "silent": {},
    }


@pytest.mark.parametrize("client_id", VERSIONS)
def test_version_is_the_clients(partner: Partner, client_id: str) -> None:
    told = expected(partner)
    token = partner.ask(client_id)["access_token"]
    names = {name for claims in told.values() for name in claims}
    jwt = read_jwt(partner.oauth, token, audience="partner-api", algorithm="RS256")
    for claims in (jwt, partner.introspect(token)):
        assert {name: claims[name] for name in names & set(claims)} == told[client_id]


def test_refreshed_token_tells_the_groups_of_today(partner: Partner) -> None:
    refresh = partner.ask("arrays")["refresh_token"]
    partner.group.permissions = ["order"]
    changes.save(partner.group, actor=SYSTEM)
    sent = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "arrays"}
    token = partner.oauth.token(**sent).json()["access_token"]
    claims = read_jwt(partner.oauth, token, audience="partner-api", algorithm="RS256")
    assert claims["entitlements"] == ["order"]


def test_groups_too_large_for_the_token_are_marked_and_introspected(partner: Partner) -> None:
    permissions = [f"permission-{number}" for number in range(500)]
    partner.group.permissions = permissions
    changes.save(partner.group, actor=SYSTEM)
    token = partner.ask("current")["access_token"]
    assert len(token) < 4_096
    jwt = read_jwt(partner.oauth, token, audience="partner-api", algorithm="RS256")
    assert POLICIES not in jwt
    assert jwt["_claim_names"] == {POLICIES: "introspection"}
    endpoint = jwt["_claim_sources"]["introspection"]["endpoint"]
    assert (
        endpoint
        == partner.oauth.get("/.well-known/oauth-authorization-server").json()[
            "introspection_endpoint"
        ]
    )
    whole = partner.introspect(token)
    assert [policy["id"] for policy in whole[POLICIES]["groups"][0]["policies"]] == permissions
    assert "_claim_names" not in whole


def test_policies_tell_attributes_and_resources_as_the_product_does(partner: Partner) -> None:
    partner.group.attributes = [{"name": "region", "value": "north"}]
    partner.group.resources = [
        {
            "id": "7",
            "name": "Shop",
            "external_id": "S-7",
            "privilege": "order",
            "resource_type": {"id": "1", "name": "Store"},
        },
        {"id": "8"},
    ]
    changes.save(partner.group, actor=SYSTEM)
    token = partner.ask("current")["access_token"]
    jwt = read_jwt(partner.oauth, token, audience="partner-api", algorithm="RS256")
    for claims in (jwt, partner.introspect(token)):
        (group,) = claims[POLICIES]["groups"]
        assert group["attributes"] == [{"name": "region", "value": "north"}]
        assert group["resources"] == [
            {
                "id": "7",
                "name": "Shop",
                "externalId": "S-7",
                "privilege": "order",
                "resourceType": {"id": "1", "name": "Store"},
            },
            {"id": "8"},
        ]


def test_legacy_text_stays_as_it_was(partner: Partner) -> None:
    partner.group.resources = [{"id": "7"}]
    partner.group.roles = ["buyer"]
    changes.save(partner.group, actor=SYSTEM)
    claims = partner.read("legacy")
    assert claims["group_permissions"] == expected(partner)["legacy"]["group_permissions"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("permissions", "order", id="permission-is-no-list"),
        pytest.param("permissions", [7], id="permission-is-no-text"),
        pytest.param("permissions", [""], id="permission-is-empty"),
        pytest.param("permissions", ["x" * 201], id="long-permission"),
        pytest.param("permissions", ["a\x00b"], id="permission-with-nul"),
        pytest.param("permissions", ["x"] * 1_001, id="many-permissions"),
        pytest.param("roles", "buyer", id="role-is-no-list"),
        pytest.param("roles", [7], id="role-is-no-text"),
        pytest.param("roles", [""], id="role-is-empty"),
        pytest.param("roles", ["x"] * 201, id="many-roles"),
        pytest.param("roles", ["a\x00b"], id="role-with-nul"),
        pytest.param("attributes", [{"name": "region"}], id="attribute-without-value"),
        pytest.param("attributes", [{"name": "a", "value": {}}], id="attribute-is-an-object"),
        pytest.param("attributes", {"region": "north"}, id="attributes-are-no-list"),
        pytest.param("resources", [{"name": "Shop"}], id="resource-without-id"),
        pytest.param("resources", [{"id": "7", "owner": "x"}], id="unknown-member"),
        pytest.param("resources", [{"id": "7", "resource_type": "x"}], id="type-is-no-object"),
        pytest.param("resources", [{"id": "7", "resource_type": {"x": "y"}}], id="type-member"),
        pytest.param("resources", [{"id": "x" * 201}], id="long-id"),
    ],
)
def test_group_that_could_not_be_told_is_refused(
    partner: Partner, name: str, value: object
) -> None:
    setattr(partner.group, name, value)
    with pytest.raises(InvalidEntity) as caught:
        changes.save(partner.group, actor=SYSTEM)
    assert set(caught.value.messages) == {name}


def test_client_itself_has_no_groups(partner: Partner) -> None:
    machine = make_client(partner.tenant, "machine", scopes=["read"], group_claims="rfc9068")
    token = partner.oauth.token(machine).json()["access_token"]
    claims = read_jwt(partner.oauth, token, audience="partner-api", algorithm="RS256")
    assert not {"groups", "entitlements", POLICIES} & set(claims)
