"""Existing tenants get the built-in scopes that came later, with their history."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tenants.models import ConfigurationChange, Scope, Tenant
from tenants.queries import history
from tenants.queries.tenant_core import read_core
from tests.factories.tenants import make_tenant

MIGRATIONS = (
    *("0005_policy_scopes", "0008_user_scopes", "0013_trust_profiles", "0014_claims"),
    *("0019_master_token_scopes", "0020_standard_scopes"),
)
OF_OPENID = frozenset(("0020_standard_scopes",))


@pytest.fixture(params=MIGRATIONS)
def migration(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - a module.
    return import_module(f"tenants.migrations.{request.param}")


def names_of(migration: Any) -> set[str]:  # noqa: ANN401 - as above.
    return {name for name, _ in migration.SCOPES}


def migrate(migration: Any) -> None:  # noqa: ANN401 - as above.
    with connection.cursor() as cursor:
        cursor.execute(migration.ADD)


@pytest.mark.django_db
def test_a_tenant_without_the_scopes_gets_them_once(migration: Any) -> None:  # noqa: ANN401 - as above.
    names = names_of(migration)
    complete, lacking = make_tenant("complete"), make_tenant("lacking")
    gone = Scope.objects.filter(tenant=lacking, name__in=names)
    # As if the tenant were from before: neither the rows nor their history.
    ConfigurationChange.objects.filter(
        entity_id__in=[str(key) for key in gone.values_list("pk", flat=True)]
    ).delete()
    gone.delete()
    versions = {
        tenant.pk: Tenant.objects.get(pk=tenant.pk).version for tenant in (complete, lacking)
    }
    migrate(migration)
    migrate(migration)
    made = Scope.objects.filter(tenant=lacking, name__in=names)
    assert {scope.name for scope in made} == names
    is_openid = migration.__name__.rpartition(".")[2] in OF_OPENID
    assert {scope.api.built_in for scope in made} == {"openid" if is_openid else "management"}
    assert {scope.title for scope in made} == {title for _, title in migration.SCOPES}
    assert Tenant.objects.get(pk=complete.pk).version == versions[complete.pk]
    assert Tenant.objects.get(pk=lacking.pk).version == versions[lacking.pk] + len(names)


@pytest.mark.django_db
def test_the_history_knows_the_new_scopes(migration: Any) -> None:  # noqa: ANN401 - as above.
    names = names_of(migration)
    tenant = make_tenant()
    gone = Scope.objects.filter(tenant=tenant, name__in=names)
    ConfigurationChange.objects.filter(
        entity_id__in=[str(key) for key in gone.values_list("pk", flat=True)]
    ).delete()
    gone.delete()
    migrate(migration)
    live = read_core(tenant.path, base_url=settings.TENANTS_BASE_URL)
    assert live is not None
    versions = (live.platform_version, live.environment_version, live.version)
    past = history.read_core_at(tenant.pk, versions, base_url=settings.TENANTS_BASE_URL)
    assert past is not None
    assert past.scopes == live.scopes
