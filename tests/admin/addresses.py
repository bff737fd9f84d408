"""The addresses of the admin's pages, by model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.urls import reverse

if TYPE_CHECKING:
    from django.db.models import Model

MODELS: list[type[Model]] = sorted(
    admin.site._registry,  # noqa: SLF001 - what Django itself iterates over.
    key=lambda model: model._meta.label,  # noqa: SLF001 - Django's public API.
)


def identify(model: type[Model]) -> str:
    """Name a model as the id of a test."""
    return model._meta.label  # noqa: SLF001 - Django's public API.


def address(model: type[Model], page: str, object_id: object | None = None) -> str:
    """Write the address of a page."""
    options = model._meta  # noqa: SLF001 - Django's public API.
    arguments = [] if object_id is None else [object_id]
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=arguments)
