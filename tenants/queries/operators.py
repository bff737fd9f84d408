"""How far an operator reaches: their roles by tenant, read once per request."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model

from tenants.models import Membership

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from tenants.models import User

ModelType = TypeVar("ModelType", bound=Model)
REACH = "tenants.console_reach"


@dataclass(frozen=True, slots=True)
class ConsoleReach:
    """Who acts in the admin or the management API, and in which tenants, with which roles."""

    operator_id: UUID | None = None
    is_platform_operator: bool = False
    roles: Mapping[UUID, frozenset[str]] = field(default_factory=dict)


NO_REACH = ConsoleReach()


def find_reach(user: User | AnonymousUser) -> ConsoleReach:
    """Answer an operator's reach by one statement; a platform operator's by none."""
    if not user.is_authenticated or not user.is_active:
        return NO_REACH
    if user.is_superuser:
        return ConsoleReach(user.pk, is_platform_operator=True)
    roles: defaultdict[UUID, set[str]] = defaultdict(set)
    rows = Membership.objects.filter(user=user.pk).order_by().values_list("tenant_id", "role")
    for tenant_id, role in rows:
        roles[tenant_id].add(role)
    return ConsoleReach(user.pk, roles={key: frozenset(names) for key, names in roles.items()})


def reach_of(request: HttpRequest) -> ConsoleReach:
    """Answer the reach that the request was given when it came in; none for a stranger."""
    reach = request.META.get(REACH, NO_REACH)
    return reach if isinstance(reach, ConsoleReach) else NO_REACH


def scope(
    rows: QuerySet[ModelType], tenant_ids: Collection[UUID] | None, path: str
) -> QuerySet[ModelType]:
    """Keep the rows of these tenants; None stands for a platform operator, who sees all.

    Row-level security below does the same. This condition lets the database use an index.
    """
    if tenant_ids is None:
        return rows
    return rows.filter(**{f"{path}__in": tenant_ids})
