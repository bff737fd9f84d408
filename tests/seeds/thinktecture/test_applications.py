"""Thinktecture: each application has its settings, its own address, and perhaps its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import call_command

from tenants.configuration.export import export
from tenants.errors import InvalidEntity
from tenants.models import Api, Scope, Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_api, make_client
from tests.oauth_client import OAuthClient
from tests.rfc.rfc7517_keys.test_certificates import bring, certify
from tests.seeds.wire import read_jwt
from tests.unit.tenants.configuration.files import apply
from tests.unit.tenants.configuration.files import tenant as write_tenant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
DOCUMENT = """\
claim_profile: thinktecture
signing_algorithm: RS256
apis:
- slug: users
  name: Users
  audience: users
  signing_algorithm: HS256
  access_token_lifetime_seconds: 3600
  scopes:
  - {name: read, title: Read, description: Read the list of users}
  - {name: search, title: Search, emphasized: true}
- slug: orders
  name: Orders
  audience: orders
  access_token_lifetime_seconds: 600
  allow_refresh_tokens: false
  scopes: [{name: order, title: Order}]
"""


@pytest.fixture
def tenant() -> Tenant:
    apply(write_tenant(DOCUMENT))
    return Tenant.objects.get(slug="globex")


@pytest.fixture
def machine(tenant: Tenant) -> MadeClient:
    return make_client(
        tenant,
        "machine",
        scopes=["read", "search", "order"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )


def ask(tenant: Tenant, client: MadeClient, application: str, scope: str) -> dict[str, object]:
    answer = OAuthClient(tenant).post(
        f"/apis/{application}/oauth/token", client, grant_type="client_credentials", scope=scope
    )
    return {"status": answer.status_code, **answer.json()}


def test_applications_come_from_one_document_and_are_exported_as_they_were(tenant: Tenant) -> None:
    scopes = Scope.objects.filter(tenant=tenant, api__slug="users").order_by("name")
    assert [(scope.title, scope.emphasized) for scope in scopes] == [
        ("Read", False),
        ("Search", True),
    ]
    written = export()
    assert "emphasized: true" in written
    assert apply(written) == []


def test_lifetime_and_key_are_the_applications(tenant: Tenant, machine: MadeClient) -> None:
    users, orders = (
        ask(tenant, machine, *named) for named in (("users", "read"), ("orders", "order"))
    )
    assert (users["expires_in"], orders["expires_in"]) == (3600, 600)
    texts = [str(answer["access_token"]) for answer in (users, orders)]
    assert [jwt.get_unverified_header(text)["alg"] for text in texts] == ["HS256", "RS256"]


def test_refresh_needs_both_the_client_and_the_application(
    tenant: Tenant, machine: MadeClient
) -> None:
    assert "refresh_token" in ask(tenant, machine, "users", "read")
    assert "refresh_token" not in ask(tenant, machine, "orders", "order")
    plain = make_client(tenant, "plain", scopes=["read"])
    assert "refresh_token" not in ask(tenant, plain, "users", "read")


def test_disabled_application_gives_no_token_at_either_address(
    tenant: Tenant, machine: MadeClient
) -> None:
    """It was stored there and never asked about."""
    api = Api.objects.get(tenant=tenant, slug="users")
    api.is_enabled = False
    changes.save(api, actor=SYSTEM)
    refused = ask(tenant, machine, "users", "read")
    assert (refused["status"], refused["error"]) == (400, "invalid_target")
    usual = OAuthClient(tenant).token(machine, scope="read")
    assert usual.status_code == 400
    assert ask(tenant, machine, "orders", "order")["status"] == 200


def test_client_belongs_to_an_application_by_its_scopes_only(
    tenant: Tenant, machine: MadeClient
) -> None:
    reader = make_client(tenant, "reader", scopes=["read"])
    assert ask(tenant, reader, "users", "read")["status"] == 200
    assert ask(tenant, reader, "orders", "order")["error"] == "invalid_scope"
    assert ask(tenant, machine, "nothing", "read")["status"] == 400


def test_application_key_with_a_certificate_signs_and_names_it(tmp_path: Path) -> None:
    apply(write_tenant(DOCUMENT))
    tenant = Tenant.objects.get(slug="globex")
    client = make_client(tenant, "machine", scopes=["order"])
    assert ask(tenant, client, "orders", "order")["status"] == 200
    private = rsa.generate_private_key(65537, 2048)
    bring(tenant, tmp_path, private, certify(private))
    call_command("rotate_keys", tenant=tenant.path, algorithm="RS256")
    token = str(ask(tenant, client, "orders", "order")["access_token"])
    assert jwt.get_unverified_header(token)["x5t#S256"]
    assert read_jwt(OAuthClient(tenant), token, audience="orders", algorithm="RS256")


def test_two_applications_never_share_an_audience(tenant: Tenant) -> None:
    with pytest.raises(InvalidEntity, match="Audience already exists"):
        make_api(tenant, "copy", audience="users", scopes=["copy"])


def test_reader_finds_the_key_without_being_told_where(tenant: Tenant, machine: MadeClient) -> None:
    """Readers asked there how an application comes to trust a signature."""
    oauth = OAuthClient(tenant)
    token = str(ask(tenant, machine, "orders", "order")["access_token"])
    metadata = oauth.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"].endswith(f"/t/{tenant.path}")
    path = metadata["jwks_uri"].removeprefix(metadata["issuer"])
    keys = jwt.PyJWKSet.from_dict(oauth.get(path).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="orders")
    assert claims["client_id"] == "machine"
