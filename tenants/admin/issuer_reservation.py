"""The admin of the issuers that were given once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.fact_admin import FactAdmin
from tenants.models import IssuerReservation

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest


@admin.register(IssuerReservation)
class IssuerReservationAdmin(FactAdmin):
    """Issuer paths, for platform operators."""

    kind = "issuer_reservation"
    list_display = ("path", "reserved_at")
    search_fields = ("path",)
    ordering = ("path",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Show the rows to platform operators."""
        rows = self.all_rows(request)
        return rows if self.has_view_permission(request) else rows.none()
