"""One session or token: its facts, what is known of its end, and the button that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from tenants.admin.history import name_actors
from tenants.admin.requests import actor_of
from tenants.models import AuditEvent
from tokens import sessions
from tokens.admin import foreign_rows, grant_rows, named_end, sign_in_rows
from tokens.admin.access import may_end, require_sight
from tokens.admin.end_form import EndForm
from tokens.admin.foreign_rows import FOREIGN
from tokens.admin.grant_rows import SESSION

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tokens.admin.grant_rows import GrantRow

NOUNS: Final = {
    grant_rows.SESSION: "session",
    grant_rows.TOKEN: "access token",
    FOREIGN: "outside token",
}
ENDED_BY_OPERATOR: Final = "operator"
MAX_EVENTS: Final = 20


@never_cache
def show_session(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Show a session."""
    row = _require(grant_rows.find_session(row_id, require_sight(request)))
    return _show(request, row, tokens=grant_rows.find_session_tokens(row))


@never_cache
def show_token(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Show an access token."""
    return _show(request, _require(grant_rows.find_token(row_id, require_sight(request))))


@never_cache
def show_foreign_token(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Show an outside token that was accepted directly."""
    return _show(request, _require(foreign_rows.find_foreign(row_id, require_sight(request))))


@never_cache
def end_foreign_token(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then end an outside token."""
    return _end(request, _require(foreign_rows.find_foreign(row_id, require_sight(request))))


@never_cache
def end_session(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then end a session with all of its tokens."""
    return _end(request, _require(grant_rows.find_session(row_id, require_sight(request))))


@never_cache
def revoke_token(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then revoke an access token."""
    return _end(request, _require(grant_rows.find_token(row_id, require_sight(request))))


def _require(row: GrantRow | None) -> GrantRow:
    if row is None:
        raise Http404
    return row


def _show(
    request: HttpRequest, row: GrantRow, *, tokens: list[GrantRow] | None = None
) -> TemplateResponse:
    events = AuditEvent.objects.filter(entity_id=str(row.id)).select_related("detail")
    shown = list(events[:MAX_EVENTS])
    name_actors(shown)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{NOUNS[row.kind].capitalize()} {row.id}",
        "row": row,
        "tokens": tokens or [],
        "sign_in": sign_in_rows.find_sign_in(row.sign_in_id, [row.tenant_id]),
        "events": shown,
        "may_end": may_end(request, row.tenant_id) and not row.death,
        "end_address": reverse(f"admin:{row.kind}_end", args=[row.id]),
        "named_end_address": (
            named_end.address_of(row) if named_end.may_end_named(request, row) else ""
        ),
    }
    return TemplateResponse(request, "console/grant.html", context)


def _end(request: HttpRequest, row: GrantRow) -> HttpResponse:
    if not may_end(request, row.tenant_id):
        raise PermissionDenied
    detail = reverse(f"admin:{row.kind}_detail", args=[row.id])
    form = EndForm(request.POST or None)
    if form.is_valid():
        _carry_out(request, row, form.cleaned_data["reason"])
        return HttpResponseRedirect(detail)
    context = {
        **admin.site.each_context(request),
        "title": f"End this {NOUNS[row.kind]}?",
        "row": row,
        "noun": NOUNS[row.kind],
        "form": form,
        "detail": detail,
    }
    return TemplateResponse(request, "console/end_grant.html", context)


def _carry_out(request: HttpRequest, row: GrantRow, reason: str) -> None:
    actor = actor_of(request)
    if row.kind == SESSION:
        has_ended = sessions.end_session(
            row.tenant_id, row.id, ended_reason=ENDED_BY_OPERATOR, actor=actor, reason=reason
        )
    elif row.kind == FOREIGN:
        has_ended = sessions.revoke_foreign_token(row.tenant_id, row.id, actor=actor, reason=reason)
    else:
        has_ended = sessions.revoke_access_token(row.tenant_id, row.id, actor=actor, reason=reason)
    if not has_ended:
        messages.warning(request, f"This {NOUNS[row.kind]} had ended already.")
        return
    until = timezone.localtime(row.expires_at).strftime("%Y-%m-%d %H:%M %Z")
    offline = f" Whoever verifies JWTs offline may accept one until {until}."
    messages.success(
        request,
        f"This {NOUNS[row.kind]} has ended: introspection says so from now on."
        f"{offline if row.format != 'opaque' else ''}",
    )
