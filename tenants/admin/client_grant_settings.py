"""The admin of what holds for one grant of one client only."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.token_settings import LIFETIMES, TOKEN_CHOICES
from tenants.models import ClientGrantSettings


@admin.register(ClientGrantSettings)
class ClientGrantSettingsAdmin(EntityAdmin):
    """Settings by client and grant: the most specific level there is."""

    kind = "client_grant_settings"
    list_display = ("client", "grant_type", "access_token_format", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "client")
    search_fields = ("client__client_id",)
    ordering = ("tenant__path", "client__client_id", "grant_type")
    fieldsets = (
        (None, {"fields": ("tenant", "client", "grant_type")}),
        ("Tokens", {"fields": (*TOKEN_CHOICES, "refresh_token_enabled")}),
        LIFETIMES,
    )
