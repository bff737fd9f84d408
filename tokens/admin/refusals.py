"""Refused requests: the list, the search by what somebody reports, and one refusal explained."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tenants.admin.requests import parse_uuid
from tenants.models import Client, Tenant
from tenants.queries.operators import scope
from tokens.admin import refusal_rows
from tokens.admin.faults import find_faults
from tokens.admin.refusal_access import require_sight
from tokens.admin.refusal_rows import RefusalFilter
from tokens.explained_text import make_readable
from tokens.explanations import describe_refusal
from tokens.retried_requests import TOKEN_OPERATION

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from tokens.models import Refusal

LIST: Final = "admin:refusals"
MAX_TENANTS: Final = 100
MAX_FOUND_CHARACTERS: Final = 255
REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")
REASON: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")
NOT_KEPT: Final = (
    "No trace is kept under this request id in your tenants. Its answer said X-Refusal-Trace: "
    "counted, or it is older than the tenant keeps refusals, or the request was not refused."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader of the list has chosen."""

    tenant: Tenant
    client_id: str = ""
    reason: str = ""

    @property
    def keep(self) -> RefusalFilter:
        """The choice as a filter of the rows."""
        return RefusalFilter(self.tenant.pk, self.client_id, self.reason)

    def address(self, **more: object) -> str:
        """Write the list's address with this choice."""
        chosen = {"tenant": self.tenant.pk, "client_id": self.client_id, "reason": self.reason}
        parameters = {name: value for name, value in {**chosen, **more}.items() if value}
        return f"{reverse(LIST)}?{urlencode(parameters)}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address or the search says, unchecked."""

    tenant_id: UUID | None = None
    client_id: str = ""
    reason: str = ""
    after: UUID | None = None
    problem: str = field(default="")


@never_cache
def list_refusals(request: HttpRequest) -> HttpResponse:
    """Show a page of one tenant's refusals, and how many there were of each reason."""
    tenant_ids = require_sight(request)
    given = request.GET
    client = _find_client(given.get("client"), tenant_ids)
    asked = Asked(
        client.tenant_id if client else parse_uuid(given.get("tenant")),
        client.client_id if client else _read_text(given.get("client_id")),
        _read_text(given.get("reason")),
        parse_uuid(given.get("after")),
    )
    return _show_list(request, tenant_ids, asked)


@never_cache
@require_POST
def find_refusal(request: HttpRequest) -> HttpResponse:
    """Go to the refusal of a request id, or list those of a reason code or a client_id."""
    tenant_ids = require_sight(request)
    text = _read_text(request.POST.get("text"))
    tenant_id = parse_uuid(request.POST.get("tenant"))
    if REQUEST_ID.fullmatch(text.lower()):
        refusal = refusal_rows.find_by_request_id(text.lower(), tenant_ids)
        if refusal is not None:
            return HttpResponseRedirect(reverse("admin:refusal_detail", args=[refusal.pk]))
        return _show_list(request, tenant_ids, Asked(tenant_id, problem=NOT_KEPT))
    if REASON.fullmatch(text):
        return _show_list(request, tenant_ids, Asked(tenant_id, reason=text))
    return _show_list(request, tenant_ids, Asked(tenant_id, client_id=text))


@never_cache
def show_refusal(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Explain one refusal: what was asked, each check, and what would make it pass."""
    refusal = refusal_rows.find_refusal(row_id, require_sight(request))
    if refusal is None:
        raise Http404
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Refusal {refusal.request_id}",
        "refusal": refusal,
        "described": make_readable(describe_refusal(refusal)),
        "faults": find_faults(refusal),
        "preview": _preview_address(refusal),
    }
    return TemplateResponse(request, "console/refusal.html", context)


def _show_list(
    request: HttpRequest, tenant_ids: Collection[UUID] | None, asked: Asked
) -> TemplateResponse:
    tenants = list(_own_tenants(tenant_ids).only("path")[:MAX_TENANTS])
    choice = _choose(tenant_ids, tenants, asked)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Refusals",
        "tenants": tenants,
        "choice": choice,
        "problem": asked.problem,
    }
    if choice is not None:
        page = refusal_rows.read_page(choice.keep, asked.after)
        context |= {
            "rows": page.rows,
            "counts": refusal_rows.read_counts(choice.tenant.pk),
            "newest": choice.address() if asked.after else "",
            "following": choice.address(after=page.following) if page.following else "",
            "unfiltered": Choice(choice.tenant).address(),
        }
    return TemplateResponse(request, "console/refusals.html", context)


def _choose(
    tenant_ids: Collection[UUID] | None, tenants: list[Tenant], asked: Asked
) -> Choice | None:
    """Choose the tenant; a foreign one reads as if it were not there."""
    tenant = tenants[0] if tenants else None
    if asked.tenant_id is not None:
        tenant = _own_tenants(tenant_ids).filter(pk=asked.tenant_id).first()
    return Choice(tenant, asked.client_id, asked.reason) if tenant else None


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


def _preview_address(refusal: Refusal) -> str:
    """Write the address of a preview that asks for the same token, where the client is known."""
    is_token = refusal.operation == TOKEN_OPERATION and refusal.grant_type
    if not is_token or not refusal.client_id or not refusal.client:
        return ""
    asked = refusal.trace.get("request", {})
    parameters = {
        "grant": refusal.grant_type,
        "scope": asked.get("scope", ""),
        "audience": asked.get("audience", ""),
        "subject": asked.get("subject", ""),
    }
    address = reverse("admin:client_preview", args=[refusal.client_id])
    return f"{address}?{urlencode({name: text for name, text in parameters.items() if text})}"
