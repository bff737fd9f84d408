"""The admin of the master tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.requests import actor_of
from tenants.admin.show_once import keep_for_response, show_once, take_issued
from tenants.models import MasterToken
from tenants.services import master_tokens

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse

    from tenants.admin.forms import EntityForm


@admin.register(MasterToken)
class MasterTokenAdmin(EntityAdmin):
    """Master tokens; the text of a new one is shown once."""

    kind = "master_token"
    list_display = (
        "label",
        "kind_text",
        "client",
        "tenant",
        "is_enabled",
        "expires_at",
        "last_used_at",
    )
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant", "client")
    search_fields = ("label",)
    ordering = ("tenant__path", "label")
    readonly_fields = ("hint", "created_at", "last_used_at")
    fieldsets = (
        (None, {"fields": ("tenant", "label", "client", "kind", "is_enabled", "expires_at")}),
        ("What it hands on", {"fields": ("scopes", "user_groups")}),
        ("From where", {"fields": ("allowed_origins", "allowed_addresses")}),
        ("How often", {"fields": ("max_users_per_address_per_day", "max_users_per_day")}),
        ("Facts", {"fields": ("hint", "created_at", "last_used_at")}),
    )

    @admin.display(description="kind", ordering="kind")
    def kind_text(self, token: MasterToken) -> str:
        """Write the kind in words."""
        return token.get_kind_display()

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Make a token, or change one; disabling it ends what it has issued."""
        assert isinstance(entity, MasterToken)  # noqa: S101 - narrows the type for the checker.
        actor, reason = actor_of(request), form.cleaned_data.get("reason", "")
        if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            text = master_tokens.create_master_token(
                entity, actor=actor, reason=reason, links=form.links
            )
            keep_for_response(request, text)
            return
        master_tokens.save_master_token(entity, actor=actor, reason=reason, links=form.links)

    def response_add(
        self, request: HttpRequest, obj: Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token's text once."""
        facts = {
            "title": f"Master token {obj} was made",
            "noun": "master token",
            "back": self.url_of("change", obj.pk),
        }
        return show_once(request, self, obj, secret=take_issued(request), facts=facts)
