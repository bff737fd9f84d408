"""Loads the stored entities of a list with everything that a file would say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.values import read_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import Model

    from tenants.configuration.vocabulary import Kind

# The field by which an entity hangs on the one whose list names it.
OWNER_FIELDS: dict[type[Model], str] = {
    models.Project: "project",
    models.Environment: "environment",
    models.Tenant: "tenant",
    models.Api: "api",
    models.Client: "client",
}


def find_stored(
    kind: Kind, owner: Model | None, names: Collection[str] | None = None
) -> dict[str, Model]:
    """Load the entities of a list by name, sorted, or those of them that bear one of the names.

    One statement, and one for each kind of link.
    """
    singles = [a.field_name for a in kind.attributes if a.target and not kind.is_many(a)]
    many = [a.field_name for a in kind.attributes if a.target and kind.is_many(a)]
    rows = kind.model._default_manager.all()  # noqa: SLF001 - Django's public API.
    if owner is not None:
        rows = rows.filter(**{OWNER_FIELDS[type(owner)]: owner})
    if kind.model is models.Client:
        # Who registered themselves are no configuration: no file names them, and none removes them.
        rows = rows.filter(registration=None)
    if names is not None:
        rows = rows.filter(**{f"{kind.key[0]}__in": names})
    if singles:
        rows = rows.select_related(*singles)
    entities: dict[str, Model] = {}
    for entity in rows.prefetch_related(*many):
        if owner is not None:
            setattr(entity, OWNER_FIELDS[type(owner)], owner)
        entities[_name(kind, entity)] = entity
    return dict(sorted(entities.items()))


def new_entity(kind: Kind, owner: Model | None) -> Model:
    """Make an entity that is not stored yet, below its owner."""
    entity = kind.model()
    if owner is None:
        return entity
    setattr(entity, OWNER_FIELDS[type(owner)], owner)
    tenant = getattr(owner, "tenant", None)
    if tenant is not None:
        entity.tenant = tenant  # type: ignore[attr-defined]  # what lies below a tenant names it.
    return entity


def _name(kind: Kind, entity: Model) -> str:
    named = (next(a for a in kind.attributes if a.name == name) for name in kind.key)
    return " as ".join(str(read_value(kind, attribute, entity)) for attribute in named)
