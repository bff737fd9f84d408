"""RFC 6749 section 5.1: expires_in and format, as every level of the settings has its say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tenants.models import ClientGrantSettings, Platform
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import make_api, make_client, make_environment, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.verification import OPAQUE, verify

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

LEVELS = ("platform", "environment", "tenant", "api", "client", "grant")


def _level(name: str, tenant: Tenant, client: MadeClient) -> Model:
    """Find the level's entity, or make it."""
    match name:
        case "platform":
            return Platform.objects.get()
        case "environment":
            return tenant.environment
        case "tenant":
            return tenant
        case "api":
            return tenant.apis.get(slug="orders")
        case "client":
            return client.client
    grant, _ = ClientGrantSettings.objects.get_or_create(
        tenant=tenant, client=client.client, grant_type="client_credentials"
    )
    return grant


def _say(name: str, tenant: Tenant, client: MadeClient, **settings: int | str) -> None:
    """Let a level say something, as an operator would."""
    entity = _level(name, tenant, client)
    for field, value in settings.items():
        setattr(entity, field, value)
    changes.save(entity, actor=SYSTEM)


@pytest.mark.requirement("RFC 6749", "5.1", "expires_in is the lifetime in seconds.")
@pytest.mark.parametrize("level", LEVELS)
def test_each_level_may_set_the_lifetime(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, level: str
) -> None:
    _say(level, tenant, service, access_token_lifetime_seconds=123)
    answer = oauth.token(service).json()
    assert answer["expires_in"] == 123
    claims = verify(oauth, answer["access_token"])
    assert claims["exp"] - claims["iat"] == 123


def test_the_most_specific_level_wins(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    for number, level in enumerate(LEVELS, start=1):
        _say(level, tenant, service, access_token_lifetime_seconds=100 * number)
        assert oauth.token(service).json()["expires_in"] == 100 * number


@pytest.mark.parametrize("level", LEVELS[:-1])
def test_a_ceiling_that_comes_later_cuts_what_was_stored_before(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, level: str
) -> None:
    _say("grant", tenant, service, access_token_lifetime_seconds=900)
    assert oauth.token(service).json()["expires_in"] == 900
    own = {"access_token_lifetime_seconds": 60} if level == "platform" else {}
    _say(level, tenant, service, max_access_token_lifetime_seconds=60, **own)
    assert oauth.token(service).json()["expires_in"] == 60


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_may_choose_the_format(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, level: str
) -> None:
    assert oauth.token(service).json()["access_token"].count(".") == 2
    _say(level, tenant, service, access_token_format="opaque")
    assert re.fullmatch(OPAQUE, oauth.token(service).json()["access_token"])


@pytest.mark.usefixtures("api")
def test_a_native_client_gets_opaque_tokens_whatever_the_settings_say(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    native = make_client(
        tenant, "native", kind="native", scopes=["read"], access_token_format="jwt"
    )
    assert re.fullmatch(OPAQUE, oauth.token(native).json()["access_token"])


@pytest.mark.usefixtures("oauth")
def test_another_tenant_of_the_environment_keeps_its_own_settings(
    tenant: Tenant, service: MadeClient
) -> None:
    neighbour = make_tenant("initech", environment=make_environment())
    make_api(neighbour)
    other = make_client(neighbour, scopes=["read"])
    _say("tenant", tenant, service, access_token_lifetime_seconds=77)
    assert OAuthClient(neighbour).token(other).json()["expires_in"] == 3600
    _say("environment", tenant, service, access_token_lifetime_seconds=66)
    assert OAuthClient(neighbour).token(other).json()["expires_in"] == 66


@pytest.mark.usefixtures("api")
def test_two_apis_share_the_smaller_lifetime(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "bills", scopes=["pay"], access_token_lifetime_seconds=40)
    client = make_client(tenant, scopes=["read", "pay"])
    assert oauth.token(client, scope="read").json()["expires_in"] == 3600
    assert oauth.token(client, scope="read pay").json()["expires_in"] == 40
