"""The admin of the rights at an Api."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import Scope


@admin.register(Scope)
class ScopeAdmin(EntityAdmin):
    """All scopes of the operator's tenants."""

    kind = "scope"
    list_display = ("name", "api", "title", "tenant", "usage_limit")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "api")
    search_fields = ("name", "title")
    ordering = ("tenant__path", "name")
    fields = ("tenant", "api", "name", "title", "description", "emphasized", "usage_limit")
