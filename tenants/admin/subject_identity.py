"""The admin of how trust profiles know the end users."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import SubjectIdentity


@admin.register(SubjectIdentity)
class SubjectIdentityAdmin(EntityAdmin):
    """Identities; they come into being at a subject's first sight."""

    kind = "subject_identity"
    list_display = ("sub", "trust_profile", "subject", "tenant", "created_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "trust_profile", "subject")
    search_fields = ("sub__exact",)
    ordering = ("tenant_id", "trust_profile_id", "sub")
    fields = ("tenant", "trust_profile", "subject", "sub", "created_at")
