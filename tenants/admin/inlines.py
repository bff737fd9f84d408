"""Entities that are edited on the page of the one they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import StackedInline, TabularInline

from tenants.admin import permissions
from tenants.admin.choices import TenantChoices
from tenants.queries.operators import reach_of

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.db.models import Model
    from django.http import HttpRequest


class InlineRights:
    """Gives an inline the rights that the operator has in the tenant of the page."""

    kind: ClassVar[str]
    extra = 0
    hide_title = True
    show_change_link = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may read them."""
        return self._may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may add some."""
        return self._may(request, "add", obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may change them."""
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may delete them."""
        return self._may(request, "delete", obj)

    def _may(self, request: HttpRequest, action: permissions.Action, parent: Any) -> bool:  # noqa: ANN401 - the page's entity.
        tenant_id = getattr(parent, "tenant_id", None)
        return permissions.is_allowed(reach_of(request), self.kind, action, tenant_id)


class EntityTable(InlineRights, TenantChoices, TabularInline):  # type: ignore[misc]  # the theme has no types.
    """Inline entities as a table."""


class EntityStack(InlineRights, TenantChoices, StackedInline):  # type: ignore[misc]  # the theme has no types.
    """Inline entities one below the other."""


class FactTable(InlineRights, TabularInline):  # type: ignore[misc]  # the theme has no types.
    """Inline entities that are only shown."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Offer no empty row."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Show them as facts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Offer no tick for deletion."""
        return False


def link_removal(site: AdminSite, entity: Model) -> str:
    """Write a link to the removal of an entity, which asks first."""
    options = entity._meta  # noqa: SLF001 - Django's public API.
    name = f"{site.name}:{options.app_label}_{options.model_name}_delete"
    return format_html(
        '<a class="console-link" href="{}">Remove</a>', reverse(name, args=[entity.pk])
    )
