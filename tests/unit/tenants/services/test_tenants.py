"""Tests of tenants: how they begin and end."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.errors import InvalidEntity
from tenants.models import (
    CutOff,
    IssuerReservation,
    Scope,
    Tenant,
)
from tenants.records import SYSTEM
from tenants.services.tenants import create_tenant, update_tenant
from tests.factories.tenants import (
    make_api,
    make_environment,
    make_tenant,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


def test_a_tenant_begins_with_its_built_in_apis(tenant: Tenant) -> None:
    assert set(tenant.apis.values_list("built_in", flat=True)) == {"openid", "management", ""}
    assert Scope.objects.filter(tenant=tenant, name="openid").exists()
    assert tenant.path == "acme/production/globex"


def test_an_issuer_is_never_given_twice(tenant: Tenant) -> None:
    reserved = IssuerReservation.objects.get(path=tenant.path)
    assert reserved
    IssuerReservation.objects.create(path="acme/production/gone")
    with pytest.raises(InvalidEntity) as refused:
        create_tenant(Tenant(environment=tenant.environment, slug="gone"), actor=SYSTEM)
    assert "slug" in refused.value.messages
    assert not Tenant.objects.filter(slug="gone").exists()


@pytest.mark.parametrize("slug", ["", "Upper", "-a", "a-", "a/b", "a.b", "ü", "x" * 64, "a\n"])
def test_a_slug_is_what_a_url_can_carry(slug: str) -> None:
    with pytest.raises(InvalidEntity):
        create_tenant(Tenant(environment=make_environment(), slug=slug), actor=SYSTEM)


def test_disabling_a_tenant_ends_everything_once(tenant: Tenant) -> None:
    update_tenant(tenant, actor=SYSTEM)
    assert _reads() == []
    tenant.is_enabled = False
    update_tenant(tenant, actor=SYSTEM)
    update_tenant(tenant, actor=SYSTEM)
    assert _reads() == [_only()]
