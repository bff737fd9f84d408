"""What the console's database role can't do, whatever the code above it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import ProgrammingError, connection, transaction

from tenants.models import User
from tenants.queries.console import take_role
from tenants.queries.operators import ConsoleReach
from tests.factories.tenants import make_tenant

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = pytest.mark.django_db


def test_an_operator_can_not_become_a_platform_operator() -> None:
    user = User.objects.create_user("climber", password="a long enough password")
    reach = ConsoleReach(user.pk, roles={make_tenant().pk: frozenset({"owner"})})
    with transaction.atomic():
        take_role(reach)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            User.objects.filter(pk=user.pk).update(is_superuser=True)
        transaction.set_rollback(True)


def test_an_operator_can_change_their_own_password_only() -> None:
    me, other = (User.objects.create_user(name, password="x" * 20) for name in ("me", "other"))
    with transaction.atomic():
        take_role(ConsoleReach(me.pk))
        assert User.objects.filter(pk=me.pk).update(password="new") == 1
        assert User.objects.filter(pk=other.pk).update(password="new") == 0
        transaction.set_rollback(True)


@pytest.mark.parametrize("role", ["authplatform_app", "authplatform_console"])
def test_a_partition_is_reached_through_its_parent_only(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'tokens_accesstoken'::regclass LIMIT 1"
        )
        partition = cursor.fetchone()[0]
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        _read(role, partition)
    with transaction.atomic():
        _read(role, "tokens_accesstoken")


def _read(role: str, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(f"SELECT id FROM {table} LIMIT 1")  # noqa: S608 - a name of the catalogue.


def test_history_and_audit_can_only_grow() -> None:
    tenant = make_tenant()
    for table in ("tenants_auditevent", "tenants_configurationchange"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            _delete("authplatform_app", table, tenant.pk)


def _delete(role: str, table: str, tenant_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant_id])  # noqa: S608
