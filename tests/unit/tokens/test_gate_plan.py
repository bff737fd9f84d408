"""The gate's statement is carried out alike for few clients and for many."""

from __future__ import annotations

import pytest
from django.db import connection

from tenants.models import Client
from tests.factories.tokens import make_issuer
from tokens import gate

pytestmark = pytest.mark.django_db

FEW = 200
FIND_STATEMENT = """
SELECT name, cardinality(parameter_types) FROM pg_prepared_statements
WHERE statement LIKE '%%FROM tokens_accesstoken WHERE id = $%%'
"""


def explain_prepared() -> str:
    """Answer the plan by which the kept statement runs, whatever its values."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(FIND_STATEMENT, [])
        name, parameters = cursor.fetchall()[-1]
        values = ", ".join(["NULL"] * parameters)
        cursor.execute(f"EXPLAIN (COSTS OFF) EXECUTE {name} ({values})")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_rows_are_found_by_key_where_reading_all_of_them_seems_cheap() -> None:
    issuer = make_issuer()
    Client.objects.bulk_create(
        Client(tenant=issuer.tenant, client_id=f"client-{number}") for number in range(FEW)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tenants_client")
    text = str(issuer.issue()["access_token"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tokens_accesstoken")
    assert gate.accept(issuer.core, text)
    joins = explain_prepared().split("SubPlan")[0]
    assert "Hash" not in joins
    assert "Memoize" not in joins
    assert "Index Scan using tenants_client_pkey" in joins
