"""The base of every entity's admin: scoped to the operator's tenants, written by services."""

from __future__ import annotations

from http import HTTPMethod
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import DataError, transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from tenants.admin.choices import TenantChoices
from tenants.admin.entity_rights import EntityRights
from tenants.admin.forms import EntityForm
from tenants.admin.history import EntityHistory
from tenants.admin.paginator import BoundedPaginator
from tenants.admin.requests import FORM_TENANT, REFUSALS, actor_of, parse_uuid, refusals_of
from tenants.admin.tenant_choice import TenantFirst
from tenants.errors import Conflict, Forbidden, InvalidEntity, TenantsError
from tenants.queries.operators import reach_of
from tenants.services import changes
from tenants.services.consistency import IMMUTABLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model, QuerySet
    from django.forms import BaseModelFormSet
    from django.http import HttpRequest, HttpResponse

# What tells how another entity came into being goes with it, and never alone.
GOES_ALONG = frozenset(("client registration",))
MAX_DELETED_AT_ONCE = 200


class EntityAdmin(EntityRights, TenantFirst, TenantChoices, EntityHistory, ModelAdmin):  # type: ignore[misc]  # the theme has no types.
    """Lists, shows and writes one kind of entity as far as the operator's roles reach."""

    form = EntityForm
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    view_on_site = False
    warn_unsaved_form = True
    actions: Sequence[str] = ("delete_selected",)
    delete_confirmation_template = "console/delete_confirmation.html"
    shows_reason: ClassVar[bool] = True

    # The list.

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Leave out the tenant's column for an operator of one tenant."""
        columns = super().get_list_display(request)
        if len(reach_of(request).roles) == 1:
            return [column for column in columns if column != "tenant"]
        return list(columns)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Look a UUID up by the key: compared as a text it would read the whole table."""
        entity_id = parse_uuid(search_term.strip())
        if entity_id is not None:
            return queryset.filter(pk=entity_id), False
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, or run an action; a refused one changes nothing."""
        if not is_post(request):
            return super().changelist_view(request, extra_context)
        try:
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except TenantsError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    # The form.

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature.
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> type[EntityForm]:
        """Make the form for the entity's tenant, with what a service has refused."""
        tenant_id = self.tenant_id_of(obj) if obj is not None else self.chosen_tenant_id(request)
        request.META[FORM_TENANT] = tenant_id
        form = super().get_form(request, obj, change=change, **kwargs)
        own = {"tenant_id": tenant_id, "refusals": refusals_of(request)}
        return type(form.__name__, (form,), own)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a new entity with what the address says; what can be no id is left out."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        for field in self.opts.many_to_many:
            if field.name in initial:
                initial[field.name] = [text for text in initial[field.name] if parse_uuid(text)]
        return initial

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Show the tenant, and what can't be changed once it exists, as facts."""
        fields = list(super().get_readonly_fields(request, obj))
        if self.belongs_to_tenant:
            fields.append("tenant")
        if obj is not None:
            fields += self._fixed_fields()
        return fields

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Ask for the reason where there is something to save."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if self.shows_reason and self._is_writable(request, obj):
            fieldsets.append(("For the record", {"fields": ("reason",)}))
        return fieldsets

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form; what a service refuses stands at its field."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except InvalidEntity as error:
            request.META[REFUSALS] = error.messages
        except (Conflict, Forbidden) as error:
            request.META[REFUSALS] = {NON_FIELD_ERRORS: [str(error)]}
        except DataError:
            text = "One of these values can't be stored, such as a NUL character or a huge number."
            request.META[REFUSALS] = {NON_FIELD_ERRORS: [text]}
        # The same request again: now the form knows what is wrong and shows it.
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: FBT001, FBT002 - as above.
        change: bool = False,  # noqa: FBT001, FBT002 - as above.
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """Offer one way to save a new entity: where it leads is the same for all."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": change}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask before deleting, and say why where it is refused."""
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except TenantsError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.url_of("change", object_id))

    # Writes: all of them through services.

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store a new or changed entity."""
        reason = form.cleaned_data.get("reason", "")
        changes.save(entity, actor=actor_of(request), reason=reason, links=form.links)

    def remove(self, request: HttpRequest, entity: Model) -> None:
        """Delete an entity."""
        changes.delete(entity, actor=actor_of(request), reason=request.POST.get("reason", ""))

    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: EntityForm,
        change: bool,  # noqa: FBT001 - Django's signature.
    ) -> None:
        """Store what the form says, unless it says nothing new."""
        if obj.pk is None:
            # Django takes a new entity's key away where its page has inline ones.
            obj.pk = self.opts.pk.get_pk_value_on_save(obj)
        if not change or set(form.changed_data) - {"reason"}:
            self.write(request, obj, form)

    def save_related(
        self,
        request: HttpRequest,
        form: EntityForm,
        formsets: list[BaseModelFormSet[Any, Any]],
        change: bool,  # noqa: FBT001 - Django's signature.
    ) -> None:
        """Store the inline entities; the links went with the entity itself."""
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def save_formset(
        self,
        request: HttpRequest,
        form: EntityForm,
        formset: BaseModelFormSet[Any, Any],
        change: bool,  # noqa: FBT001 - Django's signature.
    ) -> None:
        """Store, change and delete inline entities, each by the service."""
        entities = formset.save(commit=False)
        actor, reason = actor_of(request), form.cleaned_data.get("reason", "")
        for entity in formset.deleted_objects:
            changes.delete(entity, actor=actor, reason=reason)
        for entity in entities:
            entity.tenant_id = form.instance.tenant_id  # type: ignore[attr-defined]  # all have one.
            _save_inline(entity, actor=actor, reason=reason)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete one entity."""
        self.remove(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Delete the selected entities, all or none.

        Raises:
            Conflict: there are too many for one request.
        """
        entities = list(queryset[: MAX_DELETED_AT_ONCE + 1])
        if len(entities) > MAX_DELETED_AT_ONCE:
            raise Conflict(f"Select at most {MAX_DELETED_AT_ONCE} at once.")
        for entity in entities:
            self.remove(request, entity)

    def get_deleted_objects(
        self, objs: Sequence[Model] | QuerySet[Model], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Say what goes along, without the rows that only link two entities."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        shown = {name: number for name, number in counts.items() if "relationship" not in name}
        return deleted, shown, lacking - GOES_ALONG, protected

    def url_of(self, page: str, object_id: object | None = None) -> str:
        """Write the address of one of this admin's pages."""
        options = self.opts
        name = f"{self.admin_site.name}:{options.app_label}_{options.model_name}_{page}"
        return reverse(name, args=[] if object_id is None else [object_id])

    def _fixed_fields(self) -> list[str]:
        names = IMMUTABLE_FIELDS.get(self.model.__name__, ())
        return [self.opts.get_field(name).name for name in names]

    def _is_writable(self, request: HttpRequest, entity: Model | None) -> bool:
        if entity is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, entity)


def _save_inline(entity: Model, **options: Any) -> None:  # noqa: ANN401 - what the service takes.
    try:
        changes.save(entity, **options)
    except InvalidEntity as error:
        name = entity._meta.verbose_name  # noqa: SLF001 - Django's public API.
        texts = [
            f"{name} {entity}: {'' if field == NON_FIELD_ERRORS else f'{field}: '}{text}"
            for field, messages_ in error.messages.items()
            for text in messages_
        ]
        raise InvalidEntity({NON_FIELD_ERRORS: texts}) from error


def is_post(request: HttpRequest) -> bool:
    """Say whether a form was sent."""
    return request.method == HTTPMethod.POST
