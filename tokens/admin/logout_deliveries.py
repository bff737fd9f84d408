"""What clients were told when people signed out: the list, and another try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tenants.admin.requests import actor_of, parse_uuid
from tenants.models import Client, Tenant
from tenants.queries.operators import scope
from tokens import logout_deliveries
from tokens.admin import delivery_rows
from tokens.admin.access import may_end, require_sight
from tokens.admin.delivery_rows import DeliveryFilter
from tokens.models import LogoutDelivery
from tokens.sign_out import tell_clients

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

LIST: Final = "admin:logout_deliveries"
MAX_TENANTS: Final = 100
MAX_FOUND_CHARACTERS: Final = 255


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader of the list has chosen."""

    tenant: Tenant
    client_id: str = ""
    status: str = ""

    @property
    def keep(self) -> DeliveryFilter:
        """The choice as a filter of the rows."""
        return DeliveryFilter(self.tenant.pk, self.client_id, self.status)

    def address(self, **more: object) -> str:
        """Write the list's address with this choice."""
        chosen = {"tenant": self.tenant.pk, "client_id": self.client_id, "status": self.status}
        parameters = {name: value for name, value in {**chosen, **more}.items() if value}
        return f"{reverse(LIST)}?{urlencode(parameters)}"


@never_cache
def list_deliveries(request: HttpRequest) -> HttpResponse:
    """Show a page of one tenant's deliveries, the newest first."""
    tenant_ids = require_sight(request)
    tenants = list(_own_tenants(tenant_ids).only("path")[:MAX_TENANTS])
    choice = _choose(request, tenant_ids, tenants)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Logout deliveries",
        "tenants": tenants,
        "choice": choice,
        "statuses": LogoutDelivery.Status.choices,
        "delivered": LogoutDelivery.Status.DELIVERED,
    }
    if choice is not None:
        after = parse_uuid(request.GET.get("after"))
        page = delivery_rows.read_page(choice.keep, after)
        context |= {
            "rows": page.rows,
            "newest": choice.address() if after else "",
            "following": choice.address(after=page.following) if page.following else "",
            "may_try_again": may_end(request, choice.tenant.pk),
        }
    return TemplateResponse(request, "console/logout_deliveries.html", context)


@never_cache
@require_POST
def try_again(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Let a delivery begin anew, at once."""
    row = delivery_rows.find_delivery(row_id, require_sight(request))
    if row is None:
        raise Http404
    if not may_end(request, row.tenant_id):
        raise PermissionDenied
    sign_in_id = logout_deliveries.try_again(row.tenant_id, row.pk, actor=actor_of(request))
    if sign_in_id is None:
        messages.info(request, "It has arrived meanwhile.")
    else:
        tell_clients([sign_in_id])
        messages.success(request, "It is sent again now.")
    return HttpResponseRedirect(f"{reverse(LIST)}?{urlencode({'tenant': row.tenant_id})}")


def _choose(
    request: HttpRequest, tenant_ids: Collection[UUID] | None, tenants: list[Tenant]
) -> Choice | None:
    """Choose the tenant; a foreign one, or a foreign client's, reads as if it were not there."""
    client = _find_client(request.GET.get("client"), tenant_ids)
    asked = client.tenant_id if client else parse_uuid(request.GET.get("tenant"))
    tenant = next(iter(tenants), None)
    if asked is not None:
        tenant = _own_tenants(tenant_ids).filter(pk=asked).first()
    if tenant is None:
        return None
    client_id = client.client_id if client else _read_text(request.GET.get("client_id"))
    status = _read_text(request.GET.get("status"))
    return Choice(tenant, client_id, status if status in LogoutDelivery.Status else "")


def _own_tenants(tenant_ids: Collection[UUID] | None) -> QuerySet[Tenant]:
    return scope(Tenant.objects.order_by("path"), tenant_ids, "pk")


def _find_client(text: str | None, tenant_ids: Collection[UUID] | None) -> Client | None:
    row_id = parse_uuid(text)
    if row_id is None:
        return None
    return scope(Client.objects.filter(pk=row_id), tenant_ids, "tenant_id").first()


def _read_text(text: str | None) -> str:
    stripped = (text or "").strip()
    return stripped if len(stripped) <= MAX_FOUND_CHARACTERS and "\x00" not in stripped else ""
