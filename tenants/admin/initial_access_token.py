"""The admin of the tokens by which clients may be registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.requests import actor_of
from tenants.admin.show_once import keep_for_response, show_once, take_issued
from tenants.models import InitialAccessToken
from tenants.services import registration_tokens

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse

    from tenants.admin.forms import EntityForm


@admin.register(InitialAccessToken)
class InitialAccessTokenAdmin(EntityAdmin):
    """Initial access tokens; the text of a new one is shown once."""

    kind = "initial_access_token"
    list_display = (
        *("label", "tenant", "is_enabled", "registered_clients", "max_clients"),
        *("expires_at", "last_used_at"),
    )
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("label",)
    ordering = ("tenant__path", "label")
    readonly_fields = ("registered_clients", "hint", "created_at", "last_used_at")
    fieldsets = (
        (None, {"fields": ("tenant", "label", "is_enabled", "max_clients", "expires_at")}),
        ("Facts", {"fields": ("registered_clients", "hint", "created_at", "last_used_at")}),
    )

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Make a token, or change one; what it has registered stays."""
        assert isinstance(entity, InitialAccessToken)  # noqa: S101 - narrows the type for the checker.
        if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            text = registration_tokens.create_initial_access_token(
                entity, actor=actor_of(request), reason=form.cleaned_data.get("reason", "")
            )
            keep_for_response(request, text)
        else:
            super().write(request, entity, form)

    def response_add(
        self, request: HttpRequest, obj: Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token's text once."""
        facts = {
            "title": f"Initial access token {obj} was made",
            "noun": "initial access token",
            "back": self.url_of("change", obj.pk),
        }
        return show_once(request, self, obj, secret=take_issued(request), facts=facts)
