"""Adds to the admin of the signing keys what belongs to the wire: their rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from tenants.admin import permissions
from tenants.admin.entity_admin import is_post
from tenants.admin.history import redirect_to_home
from tenants.admin.requests import actor_of
from tenants.admin.signing_key import SigningKeyAdmin
from tenants.audit import MAX_REASON_LENGTH
from tenants.models import SigningKey
from tenants.queries.operators import reach_of
from tokens import keys

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class RotationForm(forms.Form):
    """Why the ring turns, and whether its key has leaked."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget({"autofocus": ""}),
        help_text="Such as a ticket. It is kept with the record.",
    )
    has_leaked = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="The key has leaked",
        help_text="Retires it at once and ends every token that it has signed.",
    )


@admin.register(SigningKey)
class RotatingSigningKeyAdmin(SigningKeyAdmin):
    """Signing keys, with the rotation of the ring that a key belongs to."""

    actions_detail = ("rotate",)

    def has_rotate_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Say whether the operator may turn the ring; a foreign key is not found."""
        key = self.get_object(request, object_id)
        tenant_id = self.tenant_id_of(key) if key else None
        return permissions.is_allowed(reach_of(request), self.kind, "change", tenant_id)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types.
        description="Rotate",
        url_path="rotate",
        permissions=["rotate"],
        icon="autorenew",
    )
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then let the ring's next key sign."""
        key = self.get_object(request, object_id)
        if not isinstance(key, SigningKey):
            return redirect_to_home(self, request, object_id)
        form = RotationForm(request.POST if is_post(request) else None)
        if form.is_valid():
            keys.rotate(
                key.tenant_id,
                key.algorithm,
                key.api_id,
                emergency=form.cleaned_data["has_leaked"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
            )
            messages.success(request, "The next key signs from now on.")
            return HttpResponseRedirect(self.url_of("changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rotate the {key.algorithm} keys",
            "opts": self.opts,
            "key": key,
            "form": form,
            "back": self.url_of("change", key.pk),
        }
        return TemplateResponse(request, "console/rotate_keys.html", context)
