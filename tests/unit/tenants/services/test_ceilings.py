"""Tests of the ceilings at save."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.errors import InvalidEntity
from tenants.models import (
    Client,
    ClientGrantSettings,
    Platform,
    Tenant,
)
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.tenants import (
    make_api,
    make_client,
    make_tenant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return make_client(tenant, is_allowed=False).client


LEVELS: dict[str, Callable[[Tenant], Model]] = {
    "environment": lambda t: t.environment,
    "tenant": lambda t: t,
    "api": lambda t: t.apis.get(slug="orders"),
    "client": lambda t: t.clients.get(),
    "grant": lambda t: ClientGrantSettings(
        tenant=t, client=t.clients.get(), grant_type="client_credentials"
    ),
}


LIFETIMES = (
    "access_token_lifetime_seconds",
    "refresh_token_lifetime_seconds",
    "refresh_token_idle_lifetime_seconds",
)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("name", LIFETIMES)
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_stored_above_a_ceiling(tenant: Tenant, level: str, name: str) -> None:
    platform = Platform.objects.get()
    setattr(platform, name, 50)
    setattr(platform, f"max_{name}", 100)
    changes.save(platform, actor=SYSTEM)
    entity = LEVELS[level](tenant)
    for field in (name, f"max_{name}"):
        setattr(entity, field, 101)
        with pytest.raises(InvalidEntity, match=field):
            changes.save(entity, actor=SYSTEM)
        setattr(entity, field, 100)
    changes.save(entity, actor=SYSTEM)


def test_algorithms_are_bounded_by_the_environment(tenant: Tenant) -> None:
    tenant.signing_algorithm = "HS256"
    with pytest.raises(InvalidEntity, match="signing_algorithm"):
        update_tenant(tenant, actor=SYSTEM)
    environment = tenant.environment
    environment.allowed_signing_algorithms = ["ES256"]
    changes.save(environment, actor=SYSTEM)
    api = tenant.apis.get(slug="orders")
    api.signing_algorithm = "RS256"
    with pytest.raises(InvalidEntity, match="signing_algorithm"):
        changes.save(api, actor=SYSTEM)


LIMITS = (
    "client_requests_per_minute",
    "client_request_burst",
    "address_requests_per_minute",
    "address_request_burst",
)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("ceiling", ["platform", "environment"])
def test_a_tenant_sets_no_limit_above_a_ceiling(tenant: Tenant, ceiling: str, name: str) -> None:
    above = Platform.objects.get() if ceiling == "platform" else tenant.environment
    setattr(above, f"max_{name}", 100)
    changes.save(above, actor=SYSTEM)
    tenant = Tenant.objects.get(pk=tenant.pk)
    setattr(tenant, name, 101)
    with pytest.raises(InvalidEntity) as caught:
        update_tenant(tenant, actor=SYSTEM)
    assert caught.value.messages == {name: ["Choose at most 100: a ceiling above allows no more."]}
    setattr(tenant, name, 100)
    update_tenant(tenant, actor=SYSTEM)


@pytest.mark.parametrize("name", LIMITS[:2])
def test_a_client_sets_no_limit_above_its_tenants_ceiling(client: Client, name: str) -> None:
    setattr(client.tenant, f"max_{name}", 100)
    update_tenant(client.tenant, actor=SYSTEM)
    setattr(client, name, 101)
    with pytest.raises(InvalidEntity) as caught:
        changes.save(client, actor=SYSTEM)
    assert list(caught.value.messages) == [name]
