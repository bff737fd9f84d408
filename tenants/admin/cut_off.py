"""The admin of the cut-offs: ends everything that matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.admin.fact_admin import FactAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.forms import EntityForm
from tenants.admin.requests import actor_of
from tenants.audit import MAX_REASON_LENGTH
from tenants.models import Api, Client, CutOff, MasterToken, SigningKey, Subject, TrustProfile
from tenants.services import cut_offs

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

# Those of which a tenant has few are chosen from a list, the others are named by their id.
LISTED: dict[str, type[Model]] = {
    "api_id": Api,
    "trust_profile_id": TrustProfile,
    "master_token_id": MasterToken,
    "signing_key_id": SigningKey,
}


class CutOffForm(EntityForm):
    """Which sessions and tokens end: those that match every field that is filled in."""

    listed: ClassVar[dict[str, type[Model]]] = LISTED

    client = forms.CharField(
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text="The client_id of the client whose tokens end.",
    )
    subject_id = forms.UUIDField(required=False, widget=UnfoldAdminTextInputWidget)
    session_id = forms.UUIDField(required=False, widget=UnfoldAdminTextInputWidget)
    token_id = forms.UUIDField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="The `jti` of one token."
    )
    ends_everything = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Everything of the tenant",
        help_text="Needed where nothing is chosen above.",
    )
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text="Why it ends, such as a ticket. It is kept with the record.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature.
        """Offer what the tenant has."""
        super().__init__(*args, **kwargs)
        for name, model in self.listed.items():
            rows = model._default_manager.filter(tenant=self.tenant_id)  # noqa: SLF001 - public API.
            self.fields[name] = forms.ModelChoiceField(
                rows,
                required=False,
                empty_label="any",
                label=name.removesuffix("_id").replace("_", " ").capitalize(),
                widget=UnfoldAdminSelectWidget,
            )

    def clean_client(self) -> Client | None:
        """Find the client by its client_id.

        Raises:
            ValidationError: the tenant has no such client.
        """
        found: Client | None = self._find(Client, "client", client_id=self.cleaned_data["client"])
        return found

    def clean_subject_id(self) -> Subject | None:
        """Find the subject.

        Raises:
            ValidationError: the tenant has no such subject.
        """
        found: Subject | None = self._find(Subject, "subject", pk=self.cleaned_data["subject_id"])
        return found

    def clean(self) -> dict[str, Any]:
        """Ask twice before everything ends."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.selectors and not cleaned.get("ends_everything"):
            text = "Choose what ends, or switch on that everything of the tenant does."
            raise forms.ValidationError(text)
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row to the service, which numbers it; nothing of it is validated here."""
        for name, texts in self.refusals.items():
            self.add_error(name if name in self.fields else None, texts)

    @property
    def selectors(self) -> dict[str, Any]:
        """What was chosen, by the names that the service knows."""
        chosen = {
            **{name: self.cleaned_data.get(name) for name in CutOff.SELECTORS},
            "client_id": self.cleaned_data.get("client"),
        }
        return {name: getattr(v, "pk", v) for name, v in chosen.items() if v not in {None, ""}}

    def _find(self, model: type[Model], noun: str, **by: Any) -> Any:  # noqa: ANN401 - one of the model.
        if not next(iter(by.values())):
            return None
        found = model._default_manager.filter(tenant=self.tenant_id, **by).first()  # noqa: SLF001
        if found is None:
            raise forms.ValidationError(f"The tenant has no such {noun}.")
        return found


@admin.register(CutOff)
class CutOffAdmin(FactAdmin):
    """Cut-offs: a new one ends at once all that matches, whatever its number."""

    form = CutOffForm
    belongs_to_tenant = True
    kind = "cut_off"
    list_display = ("number", "tenant", "matches", "created_at", "purge_after")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    ordering = ("-number",)
    add_form_template = "console/cut_off_form.html"
    add_fieldsets = (
        (
            "End everything that matches",
            {
                "description": "Every session and token of the tenant that matches all that you "
                "fill in and was begun before now ends at once, for good. New ones are possible.",
                "fields": ("tenant", "client", *LISTED, "subject_id", "session_id", "token_id"),
            },
        ),
        ("Acting for", {"classes": ("collapse",), "fields": ("app_tenant_id", "app_subject_id")}),
        (None, {"fields": ("ends_everything", "reason")}),
    )
    fields = ("number", "tenant", *CutOff.SELECTORS, "created_at", "purge_after")

    @admin.display(description="matches")
    def matches(self, cut_off: CutOff) -> str:
        """Write what the cut-off ends."""
        chosen = [
            f"{name.removesuffix('_id').replace('_', ' ')} {getattr(cut_off, name)}"
            for name in CutOff.SELECTORS
            if getattr(cut_off, name) is not None
        ]
        return ", ".join(chosen) or "everything of the tenant"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether the operator may end something."""
        return self.may(request, "add", None)

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """End what matches."""
        assert isinstance(form, CutOffForm)  # noqa: S101 - narrows the type for the checker.
        assert form.tenant_id is not None  # noqa: S101 - the form opens for a tenant only.
        reason = form.cleaned_data["reason"]
        made = cut_offs.end(
            form.tenant_id, actor=actor_of(request), reason=reason, **form.selectors
        )
        entity.pk = made.pk
