"""The admin of the end users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.inlines import FactTable
from tenants.admin.requests import actor_of
from tenants.models import Subject, SubjectIdentity
from tenants.services import subjects

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    from tenants.admin.forms import EntityForm


class IdentityTable(FactTable):
    """How trust profiles know the subject."""

    model = SubjectIdentity
    kind = "subject_identity"
    fields = readonly_fields = ("trust_profile", "sub", "created_at")


@admin.register(Subject)
class SubjectAdmin(EntityAdmin):
    """End users: found by id, mail address, `sub` at a trust profile, or the start of the name."""

    kind = "subject"
    list_display = ("__str__", "external_id", "email", "tenant", "is_enabled", "created_at")
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("name__startswith", "email__exact", "external_id__exact")
    search_help_text = (
        "Id, external id, mail address, the `sub` at a trust profile, or how the name begins."
    )
    ordering = ("tenant_id", "email", "pk")
    readonly_fields = ("id", "created_at")
    inlines = (IdentityTable,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("tenant", "id", "external_id", "name", "email", "is_email_verified"),
                    "is_enabled",
                )
            },
        ),
        ("Attributes", {"fields": ("attributes", "created_at")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Look at identities as well, each by its own index."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, may_repeat
        known = SubjectIdentity.objects.filter(sub=search_term).values("subject")
        return found | queryset.filter(pk__in=known), may_repeat

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the subject; disabling it ends its sessions and tokens."""
        assert isinstance(entity, Subject)  # noqa: S101 - narrows the type for the checker.
        subjects.save_subject(
            entity, actor=actor_of(request), reason=form.cleaned_data.get("reason", "")
        )
