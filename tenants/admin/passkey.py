"""The admin of the passkeys of end users, who add them themselves."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import Passkey


@admin.register(Passkey)
class PasskeyAdmin(EntityAdmin):
    """Passkeys: who lost a device has its passkey removed here."""

    kind = "passkey"
    list_display = ("label", "subject", "tenant", "is_backed_up", "created_at", "last_used_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "subject")
    search_fields = ("subject__email__exact",)
    search_help_text = "The passkey's id, or the user's mail address."
    ordering = ("tenant_id", "subject_id", "created_at")
    fields = (
        *("tenant", "subject", "label", "is_backed_up", "transports", "created_at"),
        "last_used_at",
    )
