"""The admin of the rules that allow or deny tokens."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import AccessPolicy


@admin.register(AccessPolicy)
class AccessPolicyAdmin(EntityAdmin):
    """Access policies with the clients and Apis they speak of."""

    kind = "access_policy"
    list_display = ("slug", "effect", "engine", "tenant", "is_enabled")
    list_filter = (TenantFilter, "effect", "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("slug", "description")
    ordering = ("tenant__path", "slug")
    fieldsets = (
        (
            None,
            {
                "description": "Without a policy that allows it, no client gets a token. "
                "A policy that denies always wins.",
                "fields": ("tenant", "slug", "description", "is_enabled", "effect", "engine"),
            },
        ),
        ("Applies to", {"fields": ("clients", "apis")}),
    )
