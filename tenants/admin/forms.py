"""The form of every entity: with a reason for the record, and the services' refusals as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.audit import MAX_REASON_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import Model

    BaseForm = forms.ModelForm[Model]
else:
    BaseForm = forms.ModelForm


class EntityForm(BaseForm):
    """A model's form that knows its tenant and shows what a service refused."""

    tenant_id: ClassVar[UUID | None] = None
    refusals: ClassVar[Mapping[str, list[str]]] = {}

    reason = forms.CharField(
        required=False,
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text="Why you make this change, such as a ticket. It is kept with the record.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature.
        """Give a new entity its tenant before anything looks at it."""
        super().__init__(*args, **kwargs)
        if self.tenant_id is not None and self.instance._state.adding:  # noqa: SLF001 - documented.
            setattr(self.instance, "tenant_id", self.tenant_id)  # noqa: B010 - not in the base's type.

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's hook, absent from the stubs.
        for name, texts in self.refusals.items():
            is_shown = name in self.fields
            label = "" if is_shown or name == NON_FIELD_ERRORS else f"{name}: "
            self.add_error(name if is_shown else None, [f"{label}{text}" for text in texts])

    @property
    def links(self) -> dict[str, list[Model]]:
        """The entities that the form links to, by relation."""
        relations = self._meta.model._meta.many_to_many  # noqa: SLF001 - Django's public API.
        return {
            field.name: list(self.cleaned_data[field.name])
            for field in relations
            if field.name in self.cleaned_data
        }
