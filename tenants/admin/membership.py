"""The admin of the operators' roles in tenants."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import Membership


@admin.register(Membership)
class MembershipAdmin(EntityAdmin):
    """Who may do what in which tenant."""

    kind = "membership"
    list_display = ("user", "role_text", "tenant")
    list_filter = (TenantFilter, "role")
    list_select_related = ("tenant", "user")
    search_fields = ("user__username",)
    ordering = ("tenant__path", "user__username")
    autocomplete_fields = ("user",)
    fields = ("tenant", "user", "role")

    @admin.display(description="role", ordering="role")
    def role_text(self, membership: Membership) -> str:
        """Write the role in words."""
        return membership.get_role_display()
