"""The admin of the platform's one row of defaults and ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpResponseRedirect

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.token_settings import LIFETIMES, LIMITS, TOKEN_CHOICES
from tenants.models import Platform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse


@admin.register(Platform)
class PlatformAdmin(EntityAdmin):
    """What holds for every environment and tenant."""

    kind = "platform"
    belongs_to_tenant = False
    actions: Sequence[str] = ()
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("token_retention_seconds", "refusal_retention_seconds")}),
        ("Tokens", {"fields": TOKEN_CHOICES}),
        ("Lifetimes", {**LIFETIMES[1], "classes": ()}),
        LIMITS,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Show the row to platform operators."""
        rows = self.all_rows(request)
        return rows if self.has_view_permission(request) else rows.none()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Open the one row: there is no list."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(self.url_of("change", 1))
