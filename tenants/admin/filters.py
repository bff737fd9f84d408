"""The filters of the lists, bounded in what they offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter

from tenants.admin.requests import parse_uuid
from tenants.models import Tenant
from tenants.queries.operators import reach_of, scope

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

MAX_OFFERED = 100


class TenantFilter(SimpleListFilter):
    """Keeps one tenant's rows; not shown to an operator of one tenant only."""

    title = "tenant"
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Offer the operator's tenants."""
        reach = reach_of(request)
        tenant_ids = None if reach.is_platform_operator else list(reach.roles)
        tenants = scope(Tenant.objects.order_by("path"), tenant_ids, "pk")
        found = tenants.values_list("pk", "path")[:MAX_OFFERED]
        return [(str(key), path) for key, path in found]

    def has_output(self) -> bool:
        """Say whether there is something to choose."""
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep the rows of the chosen tenant; nothing for a tenant that is none."""
        if self.value() is None:
            return queryset
        tenant_id = parse_uuid(self.value())
        return queryset.filter(tenant_id=tenant_id) if tenant_id else queryset.none()
