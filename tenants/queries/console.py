"""Makes the database itself hold an operator to their tenants, until the transaction ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction

from tenants.database_roles import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.queries.operators import ConsoleReach

# Pages read many rows: a plan for all values would sort a whole tenant for one page of it.
TAKE_ROLE_SQL = (
    "SELECT set_config('app.tenant_ids', %s, true), set_config('app.platform_operator', %s, true), "
    "set_config('app.operator_id', %s, true), set_config('role', %s, true), "
    "set_config('plan_cache_mode', 'force_custom_plan', true)"
)


def take_role(reach: ConsoleReach) -> None:
    """Take the console's role for this transaction, with the tenants that the reach names."""
    tenant_ids = ",".join(str(tenant_id) for tenant_id in reach.roles)
    values = [
        f"{{{tenant_ids}}}",
        "on" if reach.is_platform_operator else "",
        str(reach.operator_id or ""),
        CONSOLE,
    ]
    with connection.cursor() as cursor:
        cursor.execute(TAKE_ROLE_SQL, values)


@contextmanager
def console_role(reach: ConsoleReach) -> Iterator[None]:
    """Run a block in one transaction under the console's role; an error leaves nothing behind."""
    with transaction.atomic():
        take_role(reach)
        yield
