"""The built-in tenant exists on every installation."""

import pytest

from tenants.models import Api, CutOff, Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import ensure_platform_tenant
from tests.factories.tenants import make_api, make_client, make_tenant

pytestmark = pytest.mark.django_db


def test_the_platform_tenant_is_made_once() -> None:
    first = ensure_platform_tenant()
    assert ensure_platform_tenant() == first
    assert first.is_built_in
    assert set(first.apis.values_list("slug", flat=True)) == {"openid", "management"}
    assert Tenant.objects.count() == 1


def test_deleting_an_api_ends_its_tokens() -> None:
    tenant = make_tenant()
    api = make_api(tenant)
    make_client(tenant, scopes=["read"])
    changes.delete(Api.objects.get(pk=api.pk), actor=SYSTEM)
    assert CutOff.objects.get().api_id == api.pk
