"""Links of an entity to others of its tenant; documents call these by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.fields import Text, Texts
from tenants.queries.managed import find_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from django.db.models import Model

    from tenants.queries.managed import Link

MAX_NAME_CHARACTERS = 255


class LinkNames(Texts):
    """The names of what an entity is linked to."""

    child = Text(max_length=MAX_NAME_CHARACTERS)

    def __init__(self, link: Link, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Keep by which name the targets are called."""
        super().__init__(**options)
        _, self.naming = link

    def to_representation(self, data: Any) -> list[Any]:  # noqa: ANN401 - a relation.
        """Write the names in their order."""
        return sorted(str(getattr(target, self.naming)) for target in data.all())


@extend_schema_field(OpenApiTypes.STR)
class LinkName(Text):
    """The name of the one thing that an entity is linked to."""

    def __init__(self, link: Link, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Keep by which name the target is called, and bound the name."""
        super().__init__(max_length=MAX_NAME_CHARACTERS, **options)
        _, self.naming = link

    def to_representation(self, value: Any) -> str:  # noqa: ANN401 - any entity.
        """Write the target's name."""
        return str(getattr(value, self.naming))


def split_links(
    tenant_id: UUID, links: Mapping[str, Link], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Model]]]:
    """Part an entity's own values from its links, whose names are looked up in the tenant.

    Raises:
        ValidationError: a name is not there.
    """
    found = {
        member: find_linked(tenant_id, member, link, values[member])
        for member, link in links.items()
        if member in values
    }
    return {name: value for name, value in values.items() if name not in found}, found


def find_linked(tenant_id: UUID, member: str, link: Link, names: Sequence[object]) -> list[Model]:
    """Find what a member of a document names.

    Raises:
        ValidationError: a name is not there.
    """
    found = find_targets(tenant_id, link, names) if names else {}
    unknown = [str(name) for name in names if str(name) not in found]
    if unknown:
        model, _ = link
        noun = model._meta.verbose_name  # noqa: SLF001 - Django's public API.
        raise serializers.ValidationError({member: [f"This tenant has no {noun} {unknown[0]}."]})
    return [found[str(name)] for name in names]
