"""Existing tenants get the management scopes that policies need, with their history."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings
from django.db import connection

from tenants.models import ConfigurationChange, Scope, Tenant
from tenants.queries import history
from tenants.queries.tenant_core import read_core
from tests.factories.tenants import make_tenant

MIGRATION = import_module("tenants.migrations.0005_policy_scopes")
NAMES = {name for name, _ in MIGRATION.SCOPES}


def migrate() -> None:
    with connection.cursor() as cursor:
        cursor.execute(MIGRATION.ADD)


@pytest.mark.django_db
def test_a_tenant_without_the_scopes_gets_them_once() -> None:
    complete, lacking = make_tenant("complete"), make_tenant("lacking")
    gone = Scope.objects.filter(tenant=lacking, name__in=NAMES)
    # As if the tenant were from before: neither the rows nor their history.
    ConfigurationChange.objects.filter(
        entity_id__in=[str(key) for key in gone.values_list("pk", flat=True)]
    ).delete()
    gone.delete()
    versions = {
        tenant.pk: Tenant.objects.get(pk=tenant.pk).version for tenant in (complete, lacking)
    }
    migrate()
    migrate()
    made = Scope.objects.filter(tenant=lacking, name__in=NAMES)
    assert {scope.name for scope in made} == NAMES
    assert {scope.api.built_in for scope in made} == {"management"}
    assert {scope.title for scope in made} == {title for _, title in MIGRATION.SCOPES}
    assert Tenant.objects.get(pk=complete.pk).version == versions[complete.pk]
    assert Tenant.objects.get(pk=lacking.pk).version == versions[lacking.pk] + 2


@pytest.mark.django_db
def test_the_history_knows_the_new_scopes() -> None:
    tenant = make_tenant()
    gone = Scope.objects.filter(tenant=tenant, name__in=NAMES)
    ConfigurationChange.objects.filter(
        entity_id__in=[str(key) for key in gone.values_list("pk", flat=True)]
    ).delete()
    gone.delete()
    migrate()
    live = read_core(tenant.path, base_url=settings.TENANTS_BASE_URL)
    assert live is not None
    versions = (live.platform_version, live.environment_version, live.version)
    past = history.read_core_at(tenant.pk, versions, base_url=settings.TENANTS_BASE_URL)
    assert past is not None
    assert past.scopes == live.scopes
