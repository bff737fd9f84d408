"""OneWelcome: the resource gateway finds `user_details` when it asks about a user's token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import ClaimRule, Subject
from tenants.records import SYSTEM
from tenants.services import changes, erasure
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application
from tokens.models import AccessToken

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
DETAILS = {"email": "mail", "department": "employment.department", "phone": "phone"}
USER = {"mail": "alice@example.org", "employment": {"department": "sales"}, "shoe_size": 41}
TOLD = {"email": "alice@example.org", "department": "sales"}


@dataclass(frozen=True, slots=True)
class Bank:
    """A tenant with a mobile app, a user, and two APIs behind gateways."""

    tenant: Tenant
    oauth: OAuthClient
    gateway: MadeClient
    other_gateway: MadeClient
    directory: Application

    def ask(self, client_id: str = "app") -> str:
        """Get a token for the user."""
        assertion = self.directory.sign("user-1")
        answer = self.oauth.token(grant_type=JWT_BEARER, client_id=client_id, assertion=assertion)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def introspect(self, token: str, gateway: MadeClient | None = None) -> dict[str, Any]:
        """Ask about a token as a gateway does."""
        return dict(self.oauth.introspect(gateway or self.gateway, token).json())

    def describe_user(self, attributes: dict[str, Any]) -> None:
        """Change what the tenant knows of its user."""
        user = Subject.objects.get(tenant=self.tenant)
        user.attributes = attributes
        changes.save(user, actor=SYSTEM)


def make_public(tenant: Tenant, client_id: str, access_token_format: str) -> None:
    make_client(
        tenant,
        client_id,
        kind="spa",
        token_endpoint_auth_method="none",
        grant_types=[JWT_BEARER],
        scopes=["read", "list"],
        access_token_format=access_token_format,
    )


@pytest.fixture
def bank() -> Bank:
    tenant = make_tenant(claim_profile="onewelcome", signing_algorithm="RS256")
    api = make_api(tenant, "accounts", audience="accounts-api", scopes=["read"])
    other = make_api(tenant, "branches", audience="branches-api", scopes=["list"])
    gateway, other_gateway = make_client(tenant, "gateway"), make_client(tenant, "other-gateway")
    for served, server in ((api, gateway), (other, other_gateway)):
        changes.save(served, actor=SYSTEM, links={"resource_server_clients": [server.client]})
    make_public(tenant, "app", "opaque")
    make_public(tenant, "site", "jwt")
    directory = trust_application(
        tenant,
        "https://directory.example",
        audience="https://tokens.example",
        maximum=["read", "list"],
        provisioning="create",
    )
    made = Bank(tenant, OAuthClient(tenant), gateway, other_gateway, directory)
    made.ask()
    made.describe_user(USER)
    rule = ClaimRule(
        tenant=tenant,
        slug="user-details",
        claim="user_details",
        source=ClaimRule.Source.SUBJECT_ATTRIBUTE,
        value=DETAILS,
        api=api,
    )
    changes.save(rule, actor=SYSTEM)
    return made


def test_gateway_finds_the_details_of_the_user(bank: Bank) -> None:
    assert bank.introspect(bank.ask())["user_details"] == TOLD


def test_details_are_those_of_the_moment_when_the_token_was_made(bank: Bank) -> None:
    token = bank.ask()
    bank.describe_user({**USER, "mail": "alice@example.com"})
    assert bank.introspect(token)["user_details"] == TOLD
    renewed = {**TOLD, "email": "alice@example.com"}
    assert bank.introspect(bank.ask())["user_details"] == renewed


def test_gateway_of_another_api_learns_no_details(bank: Bank) -> None:
    told = bank.introspect(bank.ask(), bank.other_gateway)
    assert told["active"] is True
    assert "user_details" not in told


def test_web_client_finds_them_in_its_jwt_as_well(bank: Bank) -> None:
    claims = read_jwt(bank.oauth, bank.ask("site"), audience="accounts-api", algorithm="RS256")
    assert claims["user_details"] == TOLD


def test_user_without_details_has_none(bank: Bank) -> None:
    bank.describe_user({"shoe_size": 41})
    assert "user_details" not in bank.introspect(bank.ask())


def test_list_of_details_is_an_attribute_that_is_one(bank: Bank) -> None:
    listed = [{"name": "email", "value": "alice@example.org"}]
    bank.describe_user({"details": listed})
    rule = ClaimRule.objects.get()
    rule.value = "details"
    changes.save(rule, actor=SYSTEM)
    assert bank.introspect(bank.ask())["user_details"] == listed


def test_erased_user_leaves_no_details_behind(bank: Bank) -> None:
    token = bank.ask()
    user = Subject.objects.get(tenant=bank.tenant)
    report = erasure.erase_subject(user, actor=SYSTEM)
    assert report.is_proven
    assert bank.introspect(token) == {"active": False}
    kept = AccessToken.objects.filter(subject=user.pk).values_list("facts", flat=True)
    assert [*kept] == [{"erased": True}] * len(kept)
    assert len(kept) == 2
