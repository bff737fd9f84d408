"""What an operator may see and do with one kind of entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import ModelAdmin

from tenants.admin import permissions
from tenants.queries.operators import reach_of, scope

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    BaseAdmin = ModelAdmin[Any]
else:
    BaseAdmin = ModelAdmin


class EntityRights(BaseAdmin):
    """Answers Django's questions about permissions by the operator's roles in the tenant."""

    kind: ClassVar[str]
    tenant_path: ClassVar[str] = "tenant_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Keep the rows of the operator's tenants."""
        tenant_ids = permissions.tenants_for(reach_of(request), self.kind, "view")
        return scope(self.all_rows(request), tenant_ids, self.tenant_path)

    def all_rows(self, request: HttpRequest) -> QuerySet[Model]:
        """Answer what row-level security leaves over, for kinds that scope in their own way."""
        return super().get_queryset(request)

    def may(self, request: HttpRequest, action: permissions.Action, entity: Model | None) -> bool:
        """Say whether the operator may do this with the entity, or with any."""
        tenant_id = self.tenant_id_of(entity) if entity is not None else None
        return permissions.is_allowed(reach_of(request), self.kind, action, tenant_id)

    def tenant_id_of(self, entity: Model) -> UUID | None:
        """Answer the tenant that the entity belongs to."""
        return getattr(entity, "tenant_id", None)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the kind stands in the navigation."""
        return self.may(request, "view", None)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may read it."""
        return self.may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether the operator may make one."""
        return self.may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may change it."""
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the operator may delete it."""
        return self.may(request, "delete", obj)
