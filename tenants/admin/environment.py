"""The admin of the stages of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.project import ParentAdmin
from tenants.admin.token_settings import LIFETIMES, LIMITS, TOKEN_CHOICES
from tenants.models import Environment, Tenant

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import Model, QuerySet


@admin.register(Environment)
class EnvironmentAdmin(ParentAdmin):
    """Environments with the ceilings for all of their tenants."""

    kind = "environment"
    list_display = ("__str__", "name")
    list_select_related = ("project",)
    search_fields = ("slug", "project__slug")
    ordering = ("project__slug", "slug")
    fieldsets = (
        (None, {"fields": ("project", "slug", "name")}),
        ("Ceilings", {"fields": ("allowed_grant_types", "allowed_signing_algorithms")}),
        ("Tokens", {"fields": TOKEN_CHOICES}),
        LIFETIMES,
        LIMITS,
    )

    def keep_parents(self, rows: QuerySet[Model], tenant_ids: Collection[UUID]) -> QuerySet[Model]:
        """Keep the environments of these tenants."""
        return rows.filter(pk__in=Tenant.objects.filter(pk__in=tenant_ids).values("environment"))
