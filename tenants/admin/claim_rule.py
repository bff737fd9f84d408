"""The admin of the claims that a tenant adds."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import ClaimRule


@admin.register(ClaimRule)
class ClaimRuleAdmin(EntityAdmin):
    """Constant claims and where they are added."""

    kind = "claim_rule"
    list_display = ("slug", "claim", "api", "client", "grant_type", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "api", "client")
    search_fields = ("slug", "claim")
    ordering = ("tenant__path", "slug")
    fieldsets = (
        (None, {"fields": ("tenant", "slug", "claim", "value")}),
        (
            "Added where all of these match",
            {
                "description": "An empty one matches everything.",
                "fields": ("api", "client", "grant_type"),
            },
        ),
    )
