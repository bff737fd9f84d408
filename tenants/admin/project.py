"""The admin of the products, and the base for what stands above tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin import permissions
from tenants.admin.entity_admin import EntityAdmin
from tenants.models import Project, Tenant
from tenants.queries.operators import reach_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest


class ParentAdmin(EntityAdmin):
    """What stands above tenants: seen from below, written by platform operators only."""

    belongs_to_tenant = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Keep what stands above the operator's tenants."""
        tenant_ids = permissions.tenants_for(reach_of(request), self.kind, "view")
        rows = self.all_rows(request)
        return rows if tenant_ids is None else self.keep_parents(rows, tenant_ids)

    def keep_parents(self, rows: QuerySet[Model], tenant_ids: Collection[UUID]) -> QuerySet[Model]:
        """Keep the rows above these tenants."""
        raise NotImplementedError


@admin.register(Project)
class ProjectAdmin(ParentAdmin):
    """Projects."""

    kind = "project"
    list_display = ("slug", "name")
    search_fields = ("slug", "name")
    ordering = ("slug",)
    fields = ("slug", "name")

    def keep_parents(self, rows: QuerySet[Model], tenant_ids: Collection[UUID]) -> QuerySet[Model]:
        """Keep the projects of these tenants."""
        tenants = Tenant.objects.filter(pk__in=tenant_ids)
        return rows.filter(pk__in=tenants.values("environment__project"))
