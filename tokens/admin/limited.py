"""Whom the limits let wait now: clients and addresses of a tenant, and sign-ins of operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from tenants.admin.requests import parse_uuid
from tenants.models import Tenant
from tenants.queries.operators import scope
from tokens import limits
from tokens.admin.refusal_access import require_sight
from tokens.limits.keys import HIDDEN, LimitKey, LimitKind, StoreAway
from tokens.models import LimitState

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

MAX_TENANTS: Final = 100
USER_LABELS: Final = {
    LimitKind.SIGN_IN: "failed sign-ins of a user",
    LimitKind.SIGN_IN_ADDRESS: "sign-ins of users, and mails for them",
}
NOT_KNOWN: Final = "The store of the limits does not answer; each process holds them alone."


@dataclass(frozen=True, slots=True)
class Limited:
    """One line of the list."""

    what: str
    who: str
    address: str
    until: datetime


@never_cache
def list_limited(request: HttpRequest) -> HttpResponse:
    """Show whom a tenant has told to wait within the last minute, and until when."""
    tenant_ids = require_sight(request)
    own = _own_tenants(tenant_ids)
    tenants = list(own.only("path")[:MAX_TENANTS])
    asked = parse_uuid(request.GET.get("tenant"))
    chosen = own.filter(pk=asked).first() if asked else next(iter(tenants), None)
    rows: list[Limited] = []
    problem = ""
    try:
        rows = _read_rows(chosen, is_platform_operator=tenant_ids is None)
    except StoreAway:
        problem = NOT_KNOWN
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Limits",
        "tenants": tenants,
        "chosen": chosen,
        "rows": rows,
        "problem": problem,
    }
    return TemplateResponse(request, "console/limited.html", context)


def _own_tenants(tenant_ids: Collection[UUID] | None) -> QuerySet[Tenant]:
    return scope(Tenant.objects.order_by("path"), tenant_ids, "pk")


def _read_rows(tenant: Tenant | None, *, is_platform_operator: bool) -> list[Limited]:
    """Read the tenant's rows and, for those who see everything, the sign-ins of operators."""
    found = limits.STORE.list_limited(tenant.pk) if tenant else []
    if is_platform_operator:
        found = [*limits.STORE.list_limited(None), *found]
    return [_describe(key, until) for key, until in found]


def _describe(key: LimitKey, until: float) -> Limited:
    who = key.name
    if who.startswith(HIDDEN):
        is_sign_in = key.kind in {LimitKind.SIGN_IN, LimitKind.SIGN_IN_ADDRESS}
        person = "a user" if key.tenant_id else "an operator"
        who = person if is_sign_in else f"the token {who[len(HIDDEN) :][:12]}…"
    label = USER_LABELS.get(key.kind) if key.tenant_id else None
    return Limited(
        label or LimitState.Kind(key.kind).label,
        who,
        key.address,
        datetime.fromtimestamp(until, UTC),
    )
