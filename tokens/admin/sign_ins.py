"""One sign-in of an end user: its facts, what is known of its end, and the button that ends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from tenants.admin.history import name_actors
from tenants.admin.requests import actor_of
from tenants.models import AuditEvent
from tokens.admin import sign_in_rows
from tokens.admin.access import may_end, require_sight
from tokens.admin.end_form import EndForm
from tokens.admin.grant_detail import ENDED_BY_OPERATOR, MAX_EVENTS
from tokens.sign_out import sign_out_by

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tokens.admin.sign_in_rows import SignInRow

TEMPLATE: Final = "console/sign_in.html"
END_TEMPLATE: Final = "console/end_sign_in.html"


@never_cache
def show_sign_in(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Show a sign-in."""
    row = _require(request, row_id)
    events = AuditEvent.objects.filter(entity_id=str(row.id)).select_related("detail")
    shown = list(events[:MAX_EVENTS])
    name_actors(shown)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Sign-in {row.id}",
        "row": row,
        "events": shown,
        "may_end": may_end(request, row.tenant_id) and not row.death,
    }
    return TemplateResponse(request, TEMPLATE, context)


@never_cache
def end_sign_in(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then sign the end user out of this browser."""
    row = _require(request, row_id)
    if not may_end(request, row.tenant_id):
        raise PermissionDenied
    detail = reverse("admin:sign_in_detail", args=[row.id])
    form = EndForm(request.POST or None)
    if form.is_valid():
        _carry_out(request, row, form.cleaned_data["reason"])
        return HttpResponseRedirect(detail)
    context = {
        **admin.site.each_context(request),
        "title": "Sign this end user out?",
        "row": row,
        "form": form,
        "detail": detail,
    }
    return TemplateResponse(request, END_TEMPLATE, context)


def _require(request: HttpRequest, row_id: UUID) -> SignInRow:
    row = sign_in_rows.find_sign_in(row_id, require_sight(request))
    if row is None:
        raise Http404
    return row


def _carry_out(request: HttpRequest, row: SignInRow, reason: str) -> None:
    has_ended = sign_out_by(
        actor_of(request),
        row.tenant_id,
        row.id,
        ended_reason=ENDED_BY_OPERATOR,
        now=time.time(),
        reason=reason,
    )
    if has_ended:
        messages.success(
            request, "This end user is signed out there, and the sessions that began there ended."
        )
    else:
        messages.warning(request, "This sign-in had ended already.")
