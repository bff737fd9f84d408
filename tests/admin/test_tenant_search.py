"""A tenant is found by how its slug, path or name begins, without reading all tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.models import Client, Tenant
from tenants.queries.console import console_role
from tenants.queries.operators import ConsoleReach
from tests.admin.addresses import address
from tests.factories.tenants import make_environment, make_tenant

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

TENANTS = 10_000
INDEXES = ("tenants_tenant_slug_begins", "tenants_tenant_name_begins", "_like")


def fill_tenants() -> None:
    """Make many tenants as rows only, and tell the planner that they are there."""
    environment = make_environment()
    start = environment.project.slug
    Tenant.objects.bulk_create(
        Tenant(
            environment=environment,
            slug=f"customer-{number}",
            name=f"Customer {number}",
            path=f"{start}/{environment.slug}/customer-{number}",
        )
        for number in range(TENANTS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tenants_tenant")


def explain(sql: str) -> str:
    """Answer the plan that a platform operator's statement gets."""
    with console_role(ConsoleReach(is_platform_operator=True)), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def list_paths(browser: OperatorBrowser, text: str) -> list[str]:
    """Search the list of tenants."""
    url = f"{address(Tenant, 'changelist')}?{urlencode({'q': text})}"
    response = browser.get(url)
    assert response.status_code == 200
    return [tenant.path for tenant in response.context["cl"].result_list]


def test_search_among_many_tenants_uses_the_indexes(platform_operator: OperatorBrowser) -> None:
    fill_tenants()
    with CaptureQueriesContext(connection) as captured:
        found = list_paths(platform_operator, "customer-777")
    # The tenant itself, and those of four digits that begin with the same three.
    assert len(found) == 11
    searches = [query["sql"] for query in captured if "starts_with" in query["sql"]]
    assert len(searches) == 2
    for sql in searches:
        plan = explain(sql)
        assert "Seq Scan" not in plan
        assert all(name in plan for name in INDEXES)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        pytest.param("umbra", True, id="beginning of the slug"),
        pytest.param("UMBRA", True, id="slug in capitals"),
        pytest.param(" umbrage ", True, id="whole slug with blanks"),
        pytest.param("path", True, id="beginning of the path"),
        pytest.param("Umbrage & S", True, id="beginning of the name with a blank"),
        pytest.param("id", True, id="id"),
        pytest.param("mbrage", False, id="not the beginning"),
        pytest.param("Umbrage % S", False, id="no wild card"),
        pytest.param("umbrag_", False, id="no wild card for one letter"),
        pytest.param("'; DROP TABLE x --", False, id="quote"),
    ],
)
def test_tenant_is_found_by_a_beginning(
    platform_operator: OperatorBrowser, text: str, *, is_found: bool
) -> None:
    tenant = make_tenant("umbrage", name="Umbrage & Sons")
    text = {"path": tenant.path[:-2], "id": str(tenant.pk)}.get(text, text)
    assert (tenant.path in list_paths(platform_operator, text)) == is_found


def test_operator_finds_no_foreign_tenant(
    globex: TenantWorld, initech: TenantWorld, owner: OperatorBrowser
) -> None:
    assert list_paths(owner, globex.slug) == [globex.tenant.path]
    assert list_paths(owner, initech.slug) == []
    assert list_paths(owner, str(initech.tenant.pk)) == []


def test_tenant_of_a_new_entity_is_found_by_a_beginning(
    globex: TenantWorld, initech: TenantWorld, platform_operator: OperatorBrowser
) -> None:
    url = reverse("admin:tenants_client_add")
    response = platform_operator.get(url, {"path": globex.slug[:4]})
    assert [path for _, path in response.context["tenants"]] == [globex.tenant.path]
    response = platform_operator.get(url, {"path": initech.tenant.path})
    assert [path for _, path in response.context["tenants"]] == [initech.tenant.path]
    assert Client.objects.filter(tenant=globex.tenant).exists()
