"""The admin of the end users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.template.response import TemplateResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin import permissions
from tenants.admin.entity_admin import EntityAdmin, is_post
from tenants.admin.filters import TenantFilter
from tenants.admin.history import redirect_to_home
from tenants.admin.inlines import FactTable, link_removal
from tenants.admin.requests import actor_of
from tenants.audit import MAX_REASON_LENGTH
from tenants.errors import InvalidEntity
from tenants.models import Passkey, Subject, SubjectIdentity, SubjectPassword
from tenants.queries.operators import reach_of
from tenants.services import erasure, subjects

if TYPE_CHECKING:
    from typing import Any

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse

    from tenants.admin.forms import EntityForm


class IdentityTable(FactTable):
    """How trust profiles know the subject."""

    model = SubjectIdentity
    kind = "subject_identity"
    fields = readonly_fields = ("trust_profile", "sub", "created_at")


class PasskeyTable(FactTable):
    """The passkeys by which the subject signs in."""

    model = Passkey
    kind = "passkey"
    fields = readonly_fields = ("label", "is_backed_up", "created_at", "last_used_at", "removal")

    @admin.display(description="")
    def removal(self, passkey: Passkey) -> str:
        """Link to the removal, which asks first."""
        return link_removal(self.admin_site, passkey)


class ErasureForm(forms.Form):
    """The confirmation of an erasure: the id once more, and why."""

    confirmation = forms.CharField(
        widget=UnfoldAdminTextInputWidget, help_text="Write the user's id once more."
    )
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text="Such as a ticket. It is kept with the record: don't name the person.",
    )

    def __init__(self, subject: Subject, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's.
        """Know whose erasure is confirmed."""
        super().__init__(*args, **kwargs)
        self.subject = subject

    def clean_confirmation(self) -> str:
        """Compare the ids.

        Raises:
            ValidationError: they differ.
        """
        text: str = self.cleaned_data["confirmation"].strip()
        if text != str(self.subject.pk):
            raise forms.ValidationError("This is not the id of the user on this page.")
        return text


@admin.register(Subject)
class SubjectAdmin(EntityAdmin):
    """End users: found by id, mail address, `sub` at a trust profile, or the start of the name."""

    kind = "subject"
    actions_detail = ("erase",)
    list_display = ("__str__", "external_id", "email", "tenant", "is_enabled", "created_at")
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("name__startswith", "email__exact", "external_id__exact")
    search_help_text = (
        "Id, external id, mail address, the `sub` at a trust profile, or how the name begins."
    )
    ordering = ("tenant_id", "email", "pk")
    readonly_fields = ("id", "created_at", "has_password")
    inlines = (IdentityTable, PasskeyTable)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("tenant", "id", "external_id", "name", "email", "is_email_verified"),
                    *("has_password", "is_enabled"),
                )
            },
        ),
        ("Attributes", {"fields": ("attributes", "created_at")}),
    )

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[type[Any]]:
        """Show what hangs on a subject once there is one."""
        return list(super().get_inlines(request, obj)) if obj else []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Look at identities as well, each by its own index."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, may_repeat
        known = SubjectIdentity.objects.filter(sub=search_term).values("subject")
        return found | queryset.filter(pk__in=known), may_repeat

    @admin.display(boolean=True, description="has a password")
    def has_password(self, subject: Subject) -> bool:
        """Say whether the subject has set a password; nobody else can set one."""
        return SubjectPassword.objects.filter(subject=subject.pk).exists()

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the subject; disabling it ends its sessions and tokens."""
        assert isinstance(entity, Subject)  # noqa: S101 - narrows the type for the checker.
        subjects.save_subject(
            entity, actor=actor_of(request), reason=form.cleaned_data.get("reason", "")
        )

    def has_erase_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Say whether the operator may erase the subject; a foreign one is not found."""
        subject = self.get_object(request, object_id)
        tenant_id = self.tenant_id_of(subject) if subject else None
        return permissions.is_allowed(reach_of(request), "erasure", "change", tenant_id)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types.
        description="Erase", url_path="erase", permissions=["erase"], icon="person_remove"
    )
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the id and the reason, then erase the subject and show the proof."""
        subject = self.get_object(request, object_id)
        if not isinstance(subject, Subject):
            return redirect_to_home(self, request, object_id)
        form = ErasureForm(subject, request.POST if is_post(request) else None)
        report = _erase(request, subject, form) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Erased" if report else f"Erase {subject.pk}",
            "opts": self.opts,
            "subject": subject,
            "form": form,
            "report": report,
            "back": self.url_of("change", subject.pk),
        }
        return TemplateResponse(request, "console/erase_subject.html", context)


def _erase(
    request: HttpRequest, subject: Subject, form: ErasureForm
) -> erasure.ErasureReport | None:
    reason = form.cleaned_data["reason"]
    try:
        return erasure.erase_subject(subject, actor=actor_of(request), reason=reason)
    except InvalidEntity as error:
        form.add_error("reason", error.messages["reason"])
        return None
