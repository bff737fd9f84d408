"""Thinktecture: a class of the operator's own makes claims, for every token."""

from __future__ import annotations

import pytest

from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import read_jwt
from tests.unit.tokens.hooks import RaisingHook, RegionHook
from tokens import claim_hook
from tokens.models import AccessToken

pytestmark = pytest.mark.django_db
REGION = "https://claims.example/region"


def make_machine(slug: str = "globex") -> MadeClient:
    tenant = make_tenant(slug, claim_profile="thinktecture", signing_algorithm="RS256")
    make_api(tenant, "users", audience="users", scopes=["read"])
    return make_client(tenant, "machine", scopes=["read"])


def test_class_adds_a_claim_to_the_token() -> None:
    machine = make_machine()
    oauth = OAuthClient(machine.client.tenant)
    with claim_hook.installed(RegionHook()):
        token = oauth.token(machine).json()["access_token"]
    claims = read_jwt(oauth, token, audience="users", algorithm="RS256")
    assert (claims[REGION], claims["client_id"]) == ("eu:machine", "machine")


def test_class_refuses_a_token_and_leaves_nothing() -> None:
    machine = make_machine("embargoed")
    with claim_hook.installed(RegionHook()):
        refused = OAuthClient(machine.client.tenant).token(machine)
    assert refused.status_code == 400
    assert not AccessToken.objects.exists()


def test_class_that_breaks_breaks_no_server() -> None:
    machine = make_machine()
    with claim_hook.installed(RaisingHook()):
        refused = OAuthClient(machine.client.tenant).token(machine)
    assert refused.status_code == 400
    assert not AccessToken.objects.exists()
