"""Ends all that was issued in the name of one subject of an application, found by one row of it.

The name may be a person's, so it stands in no address: the row's id does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldBooleanSwitchWidget

from tenants.admin import permissions
from tenants.admin.requests import actor_of
from tenants.queries.operators import reach_of
from tenants.services import cut_offs
from tokens.admin import grant_rows
from tokens.admin.access import require_sight
from tokens.admin.end_form import EndForm

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tokens.admin.grant_rows import GrantRow


class NamedEndForm(EndForm):
    """Why all of it ends, and whether also where another tenant of the application is meant."""

    in_every_tenant = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="In every tenant of the application",
        help_text="Also what was issued for a subject of this name in another of its tenants.",
    )


@never_cache
def end_by_session(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then end all that is in the name for which a session was begun."""
    return _end(request, grant_rows.find_session(row_id, require_sight(request)))


@never_cache
def end_by_token(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Ask why, then end all that is in the name for which a token was issued."""
    return _end(request, grant_rows.find_token(row_id, require_sight(request)))


def may_end_named(request: HttpRequest, row: GrantRow) -> bool:
    """Say whether there is a name, and the operator may end all that is in it."""
    may_add = permissions.is_allowed(reach_of(request), "cut_off", "add", row.tenant_id)
    return bool(row.app_subject_id) and may_add


def address_of(row: GrantRow) -> str:
    """Answer where all that is in the row's name can be ended."""
    return reverse(f"admin:{row.kind}_end_named", args=[row.id])


def _end(request: HttpRequest, row: GrantRow | None) -> HttpResponse:
    if row is None or not row.app_subject_id:
        raise Http404
    if not may_end_named(request, row):
        raise PermissionDenied
    detail = reverse(f"admin:{row.kind}_detail", args=[row.id])
    form = NamedEndForm(request.POST or None)
    if form.is_valid():
        _carry_out(request, row, form)
        return HttpResponseRedirect(detail)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "End everything in this name?",
        "row": row,
        "form": form,
        "detail": detail,
    }
    return TemplateResponse(request, "console/end_named.html", context)


def _carry_out(request: HttpRequest, row: GrantRow, form: NamedEndForm) -> None:
    selectors = {"app_subject_id": row.app_subject_id}
    if row.app_tenant_id and not form.cleaned_data["in_every_tenant"]:
        selectors["app_tenant_id"] = row.app_tenant_id
    reason = form.cleaned_data["reason"]
    cut_offs.end(row.tenant_id, actor=actor_of(request), reason=reason, **selectors)
    messages.success(
        request,
        f"Every session and token in the name of {row.app_subject_id} has ended: introspection "
        "says so from now on. New ones are possible; the client's right to act for others stays.",
    )
