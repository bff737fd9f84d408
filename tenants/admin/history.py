"""An entity's history, from the audit: who did what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from tenants.models import AuditEvent, User

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    BaseAdmin = ModelAdmin[Any]
else:
    BaseAdmin = ModelAdmin

MAX_EVENTS = 100
SHORT_ID_LENGTH = 8


class EntityHistory(BaseAdmin):
    """Shows the audit events of one entity in place of Django's own log."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the newest events of the entity."""
        entity = self.get_object(request, object_id)
        if entity is None:
            return redirect_to_home(self, request, object_id)
        if not self.has_view_permission(request, entity):
            raise PermissionDenied
        events = AuditEvent.objects.filter(entity_id=str(entity.pk)).select_related("detail")
        shown = list(events[:MAX_EVENTS])
        name_actors(shown)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {entity}",
            "opts": self.opts,
            "object": entity,
            "events": shown,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "console/history.html", context)


def redirect_to_home(admin: ModelAdmin[Any], request: HttpRequest, object_id: str) -> HttpResponse:
    """Answer as Django's own pages do for an id under which there is nothing."""
    redirect: HttpResponse = admin._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]  # noqa: SLF001 - absent from the stubs, and nothing else says it alike.
        request, admin.opts, object_id
    )
    return redirect


def name_actors(events: Iterable[Any]) -> None:
    """Give each event or change the name of who acted, by one statement for all."""
    rows = list(events)
    ids = {row.actor_id for row in rows if row.actor_kind == "operator" and row.actor_id}
    names = {
        str(key): name
        for key, name in User.objects.filter(pk__in=ids).values_list("pk", "username")
    }
    for row in rows:
        row.actor_name = _name_actor(row, names)


def _name_actor(row: Any, names: dict[str, str]) -> str:  # noqa: ANN401 - an event or a change.
    if row.actor_kind != "operator":
        return f"{row.actor_kind} {row.actor_id}".strip()
    # Row-level security hides operators without a role in the reader's tenants.
    return names.get(
        row.actor_id, f"an operator of the platform ({row.actor_id[:SHORT_ID_LENGTH]})"
    )
