"""A new entity's tenant is chosen before its form opens, so that all choices are the tenant's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from tenants.admin import permissions
from tenants.admin.requests import parse_uuid
from tenants.models import Tenant
from tenants.queries.operators import reach_of, scope
from tenants.queries.tenant_search import find_by_beginning

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    BaseAdmin = ModelAdmin[Any]
else:
    BaseAdmin = ModelAdmin

CHOSEN = "tenants.chosen_tenant"
MAX_SHOWN = 50


class TenantFirst(BaseAdmin):
    """Opens a new entity's form with `?tenant=<id>`; asks where several are possible."""

    belongs_to_tenant = True

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or first the choice of a tenant."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if not self.belongs_to_tenant or self.chosen_tenant_id(request) is not None:
            return super().add_view(request, form_url, extra_context)
        return self._ask_for_tenant(request)

    def chosen_tenant_id(self, request: HttpRequest) -> UUID | None:
        """Answer the tenant that was chosen, or the only one there is to choose."""
        if not self.belongs_to_tenant:
            return None
        if CHOSEN not in request.META:
            request.META[CHOSEN] = self._find_chosen(request)
        chosen: UUID | None = request.META[CHOSEN]
        return chosen

    def _find_chosen(self, request: HttpRequest) -> UUID | None:
        tenants = self._possible_tenants(request).values_list("pk", flat=True)
        wanted = parse_uuid(request.GET.get("tenant"))
        if wanted is not None:
            return tenants.filter(pk=wanted).first()
        found = list(tenants[:2])
        return found[0] if len(found) == 1 else None

    def _possible_tenants(self, request: HttpRequest) -> QuerySet[Tenant]:
        kind: str = self.kind  # type: ignore[attr-defined]  # every EntityAdmin has one.
        tenant_ids = permissions.tenants_for(reach_of(request), kind, "add")
        return scope(Tenant.objects.order_by("path"), tenant_ids, "pk")

    def _ask_for_tenant(self, request: HttpRequest) -> TemplateResponse:
        searched = request.GET.get("path", "").strip()
        tenants = self._possible_tenants(request)
        if searched:
            tenants = find_by_beginning(tenants, searched)
        found = list(tenants.values_list("pk", "path")[: MAX_SHOWN + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": f"New {self.opts.verbose_name}: in which tenant?",
            "opts": self.opts,
            "tenants": found[:MAX_SHOWN],
            "has_more": len(found) > MAX_SHOWN,
            "searched": searched,
            "noun": self.opts.verbose_name,
        }
        return TemplateResponse(request, "console/choose_tenant.html", context)
