"""The admin of tenants that leave: begun by the platform, proved by a report."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin.fact_admin import FactAdmin
from tenants.admin.forms import EntityForm
from tenants.admin.requests import actor_of
from tenants.audit import MAX_REASON_LENGTH
from tenants.configuration.tenant_archive import write_archive
from tenants.models import Offboarding, Tenant
from tenants.services import offboarding

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

NO_TENANT = "There is no such tenant; write project/environment/tenant."


class OffboardingForm(EntityForm):
    """Which tenant leaves: its path, twice, and why."""

    path = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="project/environment/tenant. It is disabled at once, which ends all of its "
        "sessions and tokens. A day later every row of it goes; until then enabling it keeps it.",
    )
    confirmation = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The path once more."
    )
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text="Why it leaves, such as a contract's end. It is kept with the platform's record.",
    )

    def clean(self) -> dict[str, Any]:
        """Find the tenant that was named twice.

        Raises:
            ValidationError: the paths differ, or nobody has this one.
        """
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if cleaned["path"] != cleaned["confirmation"]:
            raise forms.ValidationError("The two paths differ.")
        cleaned["tenant"] = Tenant.objects.filter(path=cleaned["path"], is_built_in=False).first()
        if cleaned["tenant"] is None:
            raise forms.ValidationError(NO_TENANT)
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row to the service; nothing of it is validated here."""
        for texts in self.refusals.values():
            self.add_error(None, texts)


@admin.register(Offboarding)
class OffboardingAdmin(FactAdmin):
    """Tenants that leave or have left, with what remains: the proof."""

    form = OffboardingForm
    kind = "offboarding"
    tenant_path = "pk"
    list_display = ("path", "begun_at", "delete_after", "finished_at")
    search_fields = ("path",)
    ordering = ("-begun_at",)
    add_form_template = "console/offboarding_form.html"
    fields = ("path", "id", "begun_at", "delete_after", "finished_at", "archive", "proof")
    readonly_fields = ("archive", "proof")
    add_fieldsets = ((None, {"fields": ("path", "confirmation", "reason")}),)

    @admin.display(description="everything of it")
    def archive(self, leaving: Offboarding) -> str:
        """Link to the archive while there is something to take along."""
        if not Tenant.objects.filter(pk=leaving.pk).exists():
            return "gone"
        address = reverse("admin:tenants_offboarding_archive", args=[leaving.pk])
        return format_html('<a href="{}">Download as JSON lines</a>', address)

    @admin.display(description="proof")
    def proof(self, leaving: Offboarding) -> str:
        """Show the report."""
        if leaving.finished_at is None:
            return "not yet"
        return format_html("<pre>{}</pre>", json.dumps(leaving.report, indent=2))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Ask for the path twice where something begins."""
        if obj is None:
            return list(self.add_fieldsets)
        return list(super().get_fieldsets(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether the operator may end a tenant."""
        return self.may(request, "add", None)

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Disable the tenant; the task queue deletes its rows later."""
        tenant: Tenant = form.cleaned_data["tenant"]
        made = offboarding.begin(
            tenant, actor=actor_of(request), reason=form.cleaned_data["reason"]
        )
        entity.pk = made.pk

    def get_urls(self) -> list[URLPattern]:
        """List the archive before the pages of the entity, whose patterns are wider."""
        view = self.admin_site.admin_view(never_cache(self.archive_view))
        route = path("<uuid:object_id>/archive/", view, name="tenants_offboarding_archive")
        return [route, *super().get_urls()]

    def archive_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse | FileResponse:
        """Answer with everything that there is of the tenant.

        Raises:
            PermissionDenied: the operator is none of the platform.
            Http404: there is nothing to take along.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        tenant = Tenant.objects.filter(pk=object_id).first()
        if tenant is None or not Offboarding.objects.filter(pk=object_id).exists():
            raise Http404
        # Written within the request, whose transaction sees the rows; sent from the file.
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it.
        write_archive(tenant, file)
        file.seek(0)
        name = f"{tenant.path.replace('/', '-')}.jsonl"
        return FileResponse(file, as_attachment=True, filename=name)
