"""The admin of the rights at an Api."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.models import Api, Scope

if TYPE_CHECKING:
    from django import forms
    from django.db.models import ForeignKey, Model
    from django.http import HttpRequest


@admin.register(Scope)
class ScopeAdmin(EntityAdmin):
    """All scopes of the operator's tenants."""

    kind = "scope"
    list_display = ("name", "api", "title", "tenant", "usage_limit")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant", "api")
    search_fields = ("name", "title")
    ordering = ("tenant__path", "name")
    fields = (
        *("tenant", "api", "name", "title", "description", "translations", "emphasized"),
        *("is_required", "min_acr", "usage_limit"),
    )

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.ModelChoiceField[Model] | None:
        """Leave the management Api's scopes to the platform, which gives them their meaning."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and field.queryset is not None and db_field.name == "api":
            field.queryset = field.queryset.exclude(built_in=Api.BuiltIn.MANAGEMENT)
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Keep the scopes that every tenant has."""
        is_built_in = isinstance(obj, Scope) and bool(obj.api.built_in)
        return not is_built_in and super().has_delete_permission(request, obj)
