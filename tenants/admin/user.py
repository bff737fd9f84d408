"""The admin of the operators themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Q
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from tenants import audit
from tenants.admin import permissions
from tenants.admin.entity_admin import EntityAdmin, is_post
from tenants.admin.forms import EntityForm
from tenants.admin.requests import actor_of
from tenants.models import Membership, User
from tenants.queries.operators import reach_of
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse


class NewOperatorForm(EntityForm, UserCreationForm):  # type: ignore[misc]  # both are model forms.
    """A new operator with a first password."""


class OperatorForm(EntityForm):
    """An operator's form; nobody locks themselves out."""

    acting_id: Any = None

    def clean(self) -> dict[str, Any]:
        """Keep the platform from losing the operator who is at work.

        Raises:
            ValidationError: operators take their own access away.
        """
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_self = self.instance.pk == self.acting_id
        if is_self and not (cleaned.get("is_active", True) and cleaned.get("is_superuser", True)):
            raise forms.ValidationError("Ask another platform operator to take your access away.")
        return cleaned


@admin.register(User)
class OperatorAdmin(EntityAdmin, DjangoUserAdmin):  # type: ignore[type-arg]  # two admin bases.
    """Operators: written by platform operators; owners and auditors see their colleagues."""

    form = OperatorForm
    add_form = NewOperatorForm
    add_form_template = None
    change_password_form = AdminPasswordChangeForm
    kind = "user"
    belongs_to_tenant = False
    list_display = ("username", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_active",)
    search_fields = ("username__startswith", "email__exact")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    actions: Sequence[str] = ()
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2", "is_superuser")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
    )
    fieldsets = (
        (None, {"fields": ("username", "is_active", "is_superuser")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Facts", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Keep the operator and those who have a role in the same tenants."""
        rows = self.all_rows(request)
        reach = reach_of(request)
        tenant_ids = permissions.tenants_for(reach, "membership", "view")
        if tenant_ids is None:
            return rows
        colleagues = Membership.objects.filter(tenant__in=tenant_ids).values("user")
        return rows.filter(Q(pk=reach.operator_id) | Q(pk__in=colleagues))

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature.
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> type[EntityForm]:
        """Let the form know who is at work."""
        if obj is None:
            kwargs["form"] = self.add_form
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"acting_id": request.user.pk})

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the operator; every operator may open the admin."""
        assert isinstance(entity, User)  # noqa: S101 - narrows the type for the checker.
        entity.is_staff = True
        reason = form.cleaned_data.get("reason", "")
        changes.save(entity, actor=actor_of(request), reason=reason)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's signature.
        form_url: str = "",
    ) -> HttpResponse:
        """Set an operator's password, and write down that it was set."""
        response = super().user_change_password(request, id, form_url)
        if is_post(request) and response.status_code == 302:  # noqa: PLR2004 - it was set.
            audit.record_event(
                tenant_id=None,
                event="user.password_set",
                actor=actor_of(request),
                entity_kind="user",
                entity_id=id,
            )
        return response
