"""The admin of a tenant's claim profiles."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import ClaimProfile


@admin.register(ClaimProfile)
class ClaimProfileAdmin(EntityAdmin):
    """Variants of the built-in claim profiles."""

    kind = "claim_profile"
    list_display = ("slug", "base", "is_dual", "tenant")
    list_filter = (TenantFilter, "base")
    list_select_related = ("tenant",)
    search_fields = ("slug",)
    ordering = ("tenant__path", "slug")
    fields = ("tenant", "slug", "base", "is_dual", "group_claims_budget_bytes")
