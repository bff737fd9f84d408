"""The base of what the admin only shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.admin.entity_admin import EntityAdmin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model
    from django.http import HttpRequest


class FactAdmin(EntityAdmin):
    """Lists and shows rows that other parts of the platform write."""

    belongs_to_tenant = False
    shows_reason = False
    actions: Sequence[str] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: they come into being elsewhere."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: they are facts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: they stay."""
        return False
