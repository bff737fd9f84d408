"""The admin of the groups of end users."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import Group


@admin.register(Group)
class GroupAdmin(EntityAdmin):
    """Groups, their permissions and their subjects."""

    kind = "group"
    list_display = ("slug", "name", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("slug", "name")
    ordering = ("tenant__path", "slug")
    fields = ("tenant", "slug", "name", "permissions", "subjects")
