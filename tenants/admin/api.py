"""The admin of the protected resource servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.inlines import EntityTable
from tenants.admin.token_settings import LIFETIMES, TOKEN_CHOICES
from tenants.models import Api, Scope

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

    from tenants.admin.forms import EntityForm

LIMITED_JWT_WARNING = (
    "Tokens of limited use may be JSON Web Tokens now. Whoever verifies one offline does not count "
    "its use: the limit holds only where this Api introspects."
)
SHARED_KEY_WARNING = (
    "This Api has a key now that it shares with the platform. Whoever verifies with it can sign "
    "with it too, so these tokens open nothing at the platform's own endpoints."
)
# Field -> the choice that makes an Api weaker, and what to say of it.
WARNINGS: dict[str, tuple[object, str]] = {
    "allow_limited_jwt": (True, LIMITED_JWT_WARNING),
    "signing_algorithm": ("HS256", SHARED_KEY_WARNING),
}


class ScopeTable(EntityTable):
    """The scopes of an Api, on its page."""

    model = Scope
    kind = "scope"
    fields = ("name", "title", "emphasized", "usage_limit")
    verbose_name_plural = "scopes"

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leave the scopes of a built-in Api as every tenant has them."""
        return not _is_built_in(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leave the scopes of a built-in Api as every tenant has them."""
        return not _is_built_in(obj) and super().has_delete_permission(request, obj)


@admin.register(Api)
class ApiAdmin(EntityAdmin):
    """Apis with their scopes and token settings."""

    kind = "api"
    list_display = ("slug", "audience", "tenant", "is_enabled", "built_in")
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("slug", "audience", "name")
    ordering = ("tenant__path", "slug")
    readonly_fields = ("built_in",)
    inlines = (ScopeTable,)
    fieldsets = (
        (None, {"fields": ("tenant", "slug", "name", "audience", "is_enabled", "built_in")}),
        (
            "Tokens",
            {
                "fields": (
                    *TOKEN_CHOICES,
                    "signing_algorithm",
                    "allow_refresh_tokens",
                    "allow_limited_jwt",
                )
            },
        ),
        LIFETIMES,
        ("Introspection", {"fields": ("resource_server_clients",)}),
    )

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store an Api; warn of what was just made weaker."""
        super().write(request, entity, form)
        chosen = {name: form.cleaned_data[name] for name in WARNINGS if name in form.changed_data}
        for name, choice in chosen.items():
            weak, warning = WARNINGS[name]
            if choice == weak:
                messages.warning(request, warning)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Keep the Apis that every tenant has."""
        return not _is_built_in(obj) and super().has_delete_permission(request, obj)


def _is_built_in(entity: Model | None) -> bool:
    return isinstance(entity, Api) and bool(entity.built_in)
