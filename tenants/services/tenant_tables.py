"""Finds every table that holds a tenant's rows, by the models themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps

from tenants.models import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Model

COLUMN = "tenant_id"


def tenant_models() -> list[type[Model]]:
    """List the models whose rows name their tenant; what refers to others comes before them."""
    waiting = [model for model in apps.get_models() if _names_tenant(model)]
    ordered: list[type[Model]] = []
    while waiting:
        free = [model for model in waiting if not _is_referred_to(model, waiting)]
        if not free:
            names = ", ".join(sorted(model.__name__ for model in waiting))
            raise RuntimeError(f"these models refer to one another: {names}")
        ordered += free
        waiting = [model for model in waiting if model not in free]
    return ordered


def link_models() -> Iterator[tuple[type[Model], str, type[Model]]]:
    """List the tables that only link two entities: model, column, and the tenant's entity."""
    for model in tenant_models():
        for field in model._meta.many_to_many:  # noqa: SLF001 - Django's public API.
            through = field.remote_field.through
            if through is not None and through._meta.auto_created:  # noqa: SLF001 - as above.
                yield through, field.m2m_column_name(), model


def _names_tenant(model: type[Model]) -> bool:
    meta = model._meta  # noqa: SLF001 - Django's public API.
    if model is Tenant or meta.proxy or not meta.managed or meta.swapped:
        return False
    return any(field.attname == COLUMN for field in meta.concrete_fields)


def _is_referred_to(model: type[Model], others: Iterable[type[Model]]) -> bool:
    """Say whether a foreign key of another model points at this one."""
    return any(
        field.remote_field.model is model
        for other in others
        if other is not model
        for field in other._meta.concrete_fields  # noqa: SLF001 - Django's public API.
        if field.remote_field is not None
    )
