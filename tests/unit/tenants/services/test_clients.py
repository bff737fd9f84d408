"""Tests of clients: what is refused, who may give which scope, and what ends with them."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.errors import Forbidden, InvalidEntity
from tenants.models import (
    Api,
    Client,
    CutOff,
    Membership,
    Tenant,
    User,
)
from tenants.records import SYSTEM, Actor
from tenants.services import changes
from tenants.services.clients import delete_client, save_client
from tests.factories.tenants import (
    find_scopes,
    make_api,
    make_client,
    make_tenant,
)

pytestmark = pytest.mark.django_db


JWK = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return make_client(tenant, is_allowed=False).client


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


def test_disabling_or_deleting_a_client_ends_its_tokens(client: Client) -> None:
    pk = client.pk
    client.is_enabled = False
    save_client(client, actor=SYSTEM)
    assert _reads() == [_only(client_id=pk)]
    delete_client(client, actor=SYSTEM)
    assert _reads()[-1] == _only(client_id=pk)
    assert not Client.objects.exists()


BAD_CLIENTS: dict[str, tuple[dict[str, Any], str]] = {
    "space in the id": ({"client_id": "a b"}, "client_id"),
    "not ASCII": ({"client_id": "ü"}, "client_id"),
    "an audience as id": ({"client_id": "https://orders.example/"}, "client_id"),
    "a private key": ({"jwks": [JWK | {"d": "x"}]}, "jwks"),
    "a symmetric key": ({"jwks": [{"kty": "oct", "k": "x"}]}, "jwks"),
    "no list": ({"jwks": {"keys": []}}, "jwks"),
    "too many keys": ({"jwks": [JWK] * 21}, "jwks"),
    "a key method without keys": ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
    "two sources of keys": (
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": [JWK],
            "jwks_uri": "https://a.example/jwks",
        },
        "jwks",
    ),
    "unknown grant": ({"grant_types": ["barter"]}, "grant_types"),
    "a public client alone": (
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        "grant_types",
    ),
    "no origin": ({"cors_allowed_origins": ["https://a.example/path"]}, "cors_allowed_origins"),
    "every origin": ({"cors_allowed_origins": ["*"]}, "cors_allowed_origins"),
    "unknown profile": ({"claim_profile": "nothing"}, "claim_profile"),
    "too long a life": ({"access_token_lifetime_seconds": 86_401}, "access_token_lifetime_seconds"),
    "no life": ({"access_token_lifetime_seconds": 0}, "access_token_lifetime_seconds"),
}


@pytest.mark.parametrize("row", BAD_CLIENTS.values(), ids=BAD_CLIENTS)
def test_a_wrong_client_is_refused_by_field(
    tenant: Tenant, row: tuple[dict[str, Any], str]
) -> None:
    fields, name = row
    with pytest.raises(InvalidEntity) as refused:
        save_client(Client(tenant=tenant, **{"client_id": "new", **fields}), actor=SYSTEM)
    assert name in refused.value.messages
    assert not Client.objects.exists()


def test_default_scopes_are_among_the_scopes(tenant: Tenant, client: Client) -> None:
    read, write = find_scopes(tenant, ["read", "write"])
    with pytest.raises(InvalidEntity, match="default_scopes"):
        save_client(client, actor=SYSTEM, links={"default_scopes": [read]})
    save_client(client, actor=SYSTEM, links={"scopes": [read, write], "default_scopes": [read]})
    with pytest.raises(InvalidEntity, match="default_scopes"):
        save_client(client, actor=SYSTEM, links={"scopes": [write]})


def test_the_environment_bounds_grants(tenant: Tenant) -> None:
    environment = tenant.environment
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    with pytest.raises(InvalidEntity, match="grant_types"):
        save_client(
            Client(tenant=tenant, client_id="x", grant_types=["client_credentials"]), actor=SYSTEM
        )


def _operator(tenant: Tenant, role: str) -> Actor:
    user = User.objects.create(username=f"u-{role}", is_superuser=role == "platform")
    if role != "platform":
        Membership.objects.create(tenant=tenant, user=user, role=role)
    return Actor("operator", id=str(user.pk))


@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("platform", True), ("client_manager", False), ("auditor", False)],
)
def test_only_an_owner_gives_management_scopes(
    tenant: Tenant, client: Client, role: str, *, may: bool
) -> None:
    actor = _operator(tenant, role)
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    if may:
        save_client(client, actor=actor, links=links)
        return
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)
    assert not client.scopes.exists()


def test_a_client_never_gives_management_scopes_and_may_keep_them(
    tenant: Tenant, client: Client
) -> None:
    actor = Actor("client", id=str(client.pk))
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)
    save_client(client, actor=SYSTEM, links=links)
    save_client(client, actor=actor, links=links)


def test_an_owner_elsewhere_is_no_owner_here(tenant: Tenant, client: Client) -> None:
    actor = _operator(make_tenant("initech"), "owner")
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)


def test_an_audience_is_no_client(tenant: Tenant, client: Client) -> None:
    with pytest.raises(InvalidEntity, match="audience"):
        changes.save(Api(tenant=tenant, slug="x", audience=client.client_id), actor=SYSTEM)
