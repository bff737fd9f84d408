"""The admin of the audit: who changed or ended what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from unfold.views import ChangeList

from tenants.admin.fact_admin import FactAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.history import name_actors
from tenants.admin.permissions import RIGHTS
from tenants.models import AuditEvent

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest


class KindFilter(SimpleListFilter):
    """Keeps the events of one kind of entity."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Offer the kinds that the admin knows: what occurs would need the whole table."""
        return [(kind, kind.replace("_", " ")) for kind in sorted(RIGHTS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep the chosen kind."""
        return queryset.filter(entity_kind=self.value()) if self.value() else queryset


class NamedActors(ChangeList):  # type: ignore[misc]  # the theme has no types.
    """A list whose rows name who acted, by one more statement for the whole page."""

    result_list: list[Any]

    def get_results(self, request: HttpRequest) -> None:
        """Read the page and name the actors."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        name_actors(self.result_list)


class RecordAdmin(FactAdmin):
    """What the audit and the history of the configuration share."""

    tenant_path = "tenant_id"
    ordering = ("-id",)
    search_fields = ("entity_id__exact",)
    search_help_text = "The id of an entity"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ANN401 - Django's signature.
        """Name the actors of the page."""
        return NamedActors

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Read one row and name its actor."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            name_actors([row])
        return row

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Find the rows of an entity by the index on its id."""
        return (queryset.filter(entity_id=search_term) if search_term else queryset), False

    @admin.display(description="by")
    def actor(self, row: Any) -> str:  # noqa: ANN401 - an event or a change.
        """Name who acted."""
        return str(row.actor_name)


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    """Audit events, the newest first."""

    kind = "audit_event"
    list_display = ("occurred_at", "event", "actor", "entity_kind", "entity_id", "reason")
    list_filter = (TenantFilter, KindFilter)
    list_select_related = ("detail",)
    fields = (
        "occurred_at",
        "event",
        "actor",
        "entity_kind",
        "entity_id",
        "reason",
        "address",
        "sequence",
        "fingerprint",
    )

    @admin.display(description="reason")
    def reason(self, event: AuditEvent) -> str:
        """Write why, unless that was erased."""
        return event.detail.reason if hasattr(event, "detail") else "erased"

    @admin.display(description="address")
    def address(self, event: AuditEvent) -> str:
        """Write from where, unless that was erased."""
        return event.detail.address if hasattr(event, "detail") else "erased"

    @admin.display(description="hash")
    def fingerprint(self, event: AuditEvent) -> str:
        """Write the hash that links this event with the next one."""
        return bytes(event.hash).hex()
