"""The admin of the secrets of clients: facts about them, and their removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.requests import actor_of
from tenants.models import ClientSecret
from tenants.services import client_secrets

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest


@admin.register(ClientSecret)
class ClientSecretAdmin(EntityAdmin):
    """Secrets by label and hint; they are made on their client's page."""

    kind = "client_secret"
    list_display = ("label", "client", "hint", "tenant", "created_at", "expires_at", "last_used_at")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "client")
    search_fields = ("label", "client__client_id")
    ordering = ("tenant__path", "client__client_id", "created_at")
    fields = ("tenant", "client", "label", "hint", "created_at", "expires_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never here: a new secret is shown once, on its client's page."""
        return False

    def remove(self, request: HttpRequest, entity: Model) -> None:
        """Remove the secret; whoever still uses it is refused within a second."""
        assert isinstance(entity, ClientSecret)  # noqa: S101 - narrows the type for the checker.
        reason = request.POST.get("reason", "")
        client_secrets.remove_secret(entity, actor=actor_of(request), reason=reason)
