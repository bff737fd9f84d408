"""Shows the token that a client would get, before it asks, and why an issued one is as it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenants.models import Client
from tenants.models.fields import GrantTypeChoice
from tenants.queries.client_core import read_client
from tenants.queries.operators import scope
from tenants.queries.tenant_core import read_core
from tenants.records import AccessRequest
from tokens.admin import grant_rows
from tokens.admin.refusal_access import require_sight
from tokens.explain import explain_token, read_subject
from tokens.explained_text import make_readable
from tokens.explanations import describe_preview, describe_token
from tokens.preview import preview

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tokens.preview import Preview

MAX_CHARACTERS = 2_000


class PreviewForm(forms.Form):
    """What the client would ask for."""

    grant = forms.ChoiceField(choices=GrantTypeChoice.choices, widget=UnfoldAdminSelectWidget)
    scope = forms.CharField(
        required=False,
        max_length=MAX_CHARACTERS,
        widget=UnfoldAdminTextInputWidget,
        help_text="Names with spaces between them. Empty: the client's default scopes.",
    )
    audience = forms.CharField(
        required=False,
        max_length=MAX_CHARACTERS,
        widget=UnfoldAdminTextInputWidget,
        help_text="Audiences of Apis, with spaces between them. Empty: those of the scopes.",
    )
    subject = forms.UUIDField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The id of an end user. Empty: the client itself.",
    )


@never_cache
def preview_client(request: HttpRequest, client_id: UUID) -> HttpResponse:
    """Ask for a grant, scopes, audience and subject, and show what would be answered."""
    client = _require_client(request, client_id)
    form = PreviewForm(request.GET if "grant" in request.GET else None)
    if not form.is_bound:
        form = PreviewForm(initial={"grant": next(iter(client.grant_types), None)})
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Preview for {client.client_id}",
        "client": client,
        "form": form,
    }
    if form.is_valid():
        previewed = _preview(client, form)
        context |= _describe(previewed) if previewed else {}
    return TemplateResponse(request, "console/preview.html", context)


@never_cache
def show_why(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Explain an issued token by the decision that its row and versions come to."""
    row = grant_rows.find_token(row_id, require_sight(request))
    explained = explain_token(row.tenant_id, row.id) if row else None
    if row is None or explained is None:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "title": f"Access token {row.id}",
        "row": row,
        "described": make_readable(describe_token(explained)),
    }
    return TemplateResponse(request, "console/why.html", context)


def _require_client(request: HttpRequest, client_id: UUID) -> Client:
    rows = Client.objects.filter(pk=client_id).select_related("tenant")
    client = scope(rows, require_sight(request), "tenant_id").first()
    if client is None:
        raise Http404
    return client


def _preview(client: Client, form: PreviewForm) -> Preview | None:
    """Preview by the functions that issue; a foreign subject is none of this tenant."""
    core = read_core(client.tenant.path, base_url=settings.TENANTS_BASE_URL)
    record = read_client(client.tenant_id, client.client_id)
    if core is None or record is None:
        raise Http404
    asked = form.cleaned_data
    found = read_subject(client.tenant_id, asked["subject"]) if asked["subject"] else None
    if asked["subject"] and found is None:
        form.add_error("subject", "This tenant has no such end user.")
        return None
    now = time.time()
    request = AccessRequest(
        grant_type=asked["grant"],
        client=record,
        subject=found[0] if found else None,
        groups=found[1] if found else None,
        requested_scopes=tuple(asked["scope"].split()) or None,
        requested_audiences=tuple(asked["audience"].split()),
        method="POST",
        now=now,
    )
    return preview(request, core, now=now)


def _describe(previewed: Preview) -> dict[str, Any]:
    described = describe_preview(previewed)
    return {
        "described": make_readable(described),
        "header_text": json.dumps(described.get("header"), indent=2),
        "response_text": json.dumps(described.get("response"), indent=2),
    }
