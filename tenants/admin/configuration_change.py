"""The admin of the history of the configuration."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.audit_event import KindFilter, RecordAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import ConfigurationChange


@admin.register(ConfigurationChange)
class ConfigurationChangeAdmin(RecordAdmin):
    """Configuration changes with the entity's state afterwards, the newest first."""

    kind = "configuration_change"
    list_display = ("changed_at", "entity_kind", "entity_id", "version", "actor", "reason")
    list_filter = (TenantFilter, KindFilter, "scope_kind")
    fields = (
        "changed_at",
        "entity_kind",
        "entity_id",
        "scope_kind",
        "version",
        "actor",
        "reason",
        "state",
    )
    list_select_related = ("audit_event__detail",)

    @admin.display(description="reason")
    def reason(self, change: ConfigurationChange) -> str:
        """Write why, unless that was erased."""
        event = change.audit_event
        return event.detail.reason if event and hasattr(event, "detail") else "erased"
