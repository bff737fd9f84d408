"""The admin of clients that made themselves known: who, when, and how close to their removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin import permissions
from tenants.admin.entity_admin import is_post
from tenants.admin.fact_admin import FactAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.history import redirect_to_home
from tenants.admin.requests import actor_of
from tenants.audit import MAX_REASON_LENGTH
from tenants.models import ClientRegistration
from tenants.queries.operators import reach_of
from tenants.services import registrations

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class KeepForm(forms.Form):
    """Why a client stays."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget({"autofocus": ""}),
        help_text="Such as a ticket. It is kept with the record.",
    )


@admin.register(ClientRegistration)
class ClientRegistrationAdmin(FactAdmin):
    """Registrations of clients; one that is about to be removed can be kept."""

    kind = "client_registration"
    list_display = (
        *("client", "source", "stage", "tenant", "registered_at", "last_used_at"),
        "initial_access_token",
    )
    list_filter = (TenantFilter, "stage", "source")
    list_select_related = ("tenant", "client", "initial_access_token")
    search_fields = ("client__client_id__exact", "client__name")
    search_help_text = "The client's id or its name."
    ordering = ("-registered_at",)
    fields = (
        *("tenant", "client", "source", "initial_access_token", "registered_at", "last_used_at"),
        *("stage", "stage_since", "document_fetched_at", "document_expires_at"),
    )
    actions_detail = ("keep",)

    def has_keep_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Say whether the operator may keep the client; a foreign one is not found."""
        found = self.get_object(request, object_id)
        tenant_id = self.tenant_id_of(found) if found else None
        return permissions.is_allowed(reach_of(request), self.kind, "change", tenant_id)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types.
        description="Keep",
        url_path="keep",
        permissions=["keep"],
        icon="favorite",
    )
    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then take the client back from its removal."""
        found = self.get_object(request, object_id)
        if not isinstance(found, ClientRegistration):
            return redirect_to_home(self, request, object_id)
        form = KeepForm(request.POST if is_post(request) else None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            now = timezone.now()
            registrations.keep(found, actor=actor_of(request), now=now, reason=reason)
            messages.success(request, "The client counts as used now.")
            return HttpResponseRedirect(self.url_of("change", found.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Keep the client {found.client}",
            "opts": self.opts,
            "registration": found,
            "form": form,
            "back": self.url_of("change", found.pk),
        }
        return TemplateResponse(request, "console/keep_client.html", context)
