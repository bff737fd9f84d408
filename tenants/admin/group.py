"""The admin of the groups of end users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.requests import actor_of
from tenants.models import Group
from tenants.services import groups

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

    from tenants.admin.forms import EntityForm


@admin.register(Group)
class GroupAdmin(EntityAdmin):
    """Groups, their permissions and their subjects."""

    kind = "group"
    list_display = ("slug", "name", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("slug", "name")
    ordering = ("tenant__path", "slug")
    fields = (
        *("tenant", "slug", "name", "permissions", "roles", "attributes", "resources"),
        "subjects",
    )

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the group; the audit names who came and went by their ids."""
        assert isinstance(entity, Group)  # noqa: S101 - narrows the type for the checker.
        reason = form.cleaned_data.get("reason", "")
        groups.save_group(entity, actor=actor_of(request), reason=reason, links=form.links)
