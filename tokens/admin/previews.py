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
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

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
from tokens.stated_tokens import MAXIMUM_CHARACTERS, StatedTokenRefused, state_token

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tenants.records import TenantSnapshot
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
    trust_profile = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Whose outside token is presented, with jwt-bearer and token-exchange.",
    )
    claims = forms.CharField(
        required=False,
        max_length=MAXIMUM_CHARACTERS,
        widget=UnfoldAdminTextareaWidget({"autocomplete": "off", "spellcheck": "false"}),
        help_text=(
            "Its claims, as a JSON object. Where iss, aud, iat, exp or sub are missing, they are "
            "those of a token that was just issued."
        ),
    )

    def __init__(self, *arguments: Any, core: TenantSnapshot, **options: Any) -> None:  # noqa: ANN401 - as Django types it.
        """Offer the tenant's trust profiles."""
        super().__init__(*arguments, **options)
        slugs = [profile.slug for profile in core.trust_profiles]
        choice = self.fields["trust_profile"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - narrows the type.
        choice.choices = [("", "None"), *((slug, slug) for slug in slugs)]

    def clean(self) -> dict[str, Any]:
        """Take a profile and claims only together."""
        cleaned = super().clean() or {}
        for one, other in (("trust_profile", "claims"), ("claims", "trust_profile")):
            if cleaned.get(one) and not cleaned.get(other) and other not in self.errors:
                self.add_error(other, f"Give this together with {one.replace('_', ' ')}.")
        return cleaned


@never_cache
@sensitive_post_parameters("claims")
@sensitive_variables("form", "previewed", "context")
def preview_client(request: HttpRequest, client_id: UUID) -> HttpResponse:
    """Ask for a grant, scopes, audience and subject, and show what would be answered.

    Claims are personal data and no part of an address, so that they are read of a form only.
    """
    client = _require_client(request, client_id)
    core = read_core(client.tenant.path, base_url=settings.TENANTS_BASE_URL)
    if core is None:
        raise Http404
    form = _read_form(request, client, core)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Preview for {client.client_id}",
        "client": client,
        "form": form,
    }
    if form.is_valid():
        previewed = _preview(client, core, form)
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


def _read_form(request: HttpRequest, client: Client, core: TenantSnapshot) -> PreviewForm:
    if request.method == "POST":
        return PreviewForm(request.POST, core=core)
    if "grant" in request.GET:
        asked = {name: text for name, text in request.GET.items() if name != "claims"}
        return PreviewForm(asked, core=core)
    return PreviewForm(initial={"grant": next(iter(client.grant_types), None)}, core=core)


def _preview(client: Client, core: TenantSnapshot, form: PreviewForm) -> Preview | None:
    """Preview by the functions that issue; a foreign subject is none of this tenant."""
    record = read_client(client.tenant_id, client.client_id)
    if record is None:
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
    if asked["trust_profile"]:
        slug, text = asked["trust_profile"], asked["claims"]
        try:
            request = state_token(request, core, trust_profile=slug, text=text, now=now)
        except StatedTokenRefused as refused:
            form.add_error(refused.field, str(refused))
            return None
    return preview(request, core, now=now)


def _describe(previewed: Preview) -> dict[str, Any]:
    described = describe_preview(previewed)
    id_token = described.get("id_token")
    return {
        "described": make_readable(described),
        "id_token_text": json.dumps(id_token, indent=2) if id_token else "",
        "header_text": json.dumps(described.get("header"), indent=2),
        "response_text": json.dumps(described.get("response"), indent=2),
    }
