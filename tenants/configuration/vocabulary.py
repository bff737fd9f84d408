"""The terms in which the configuration is described: kinds of entities and their attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Field, Model

    from tenants.records import JSON

# The field by which a file names an entity.
NAMING_FIELDS = {
    "apis": "slug",
    "clients": "client_id",
    "groups": "slug",
    "scopes": "name",
    "subjects": "id",
    "trust_profiles": "slug",
    "users": "username",
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a file may say of an entity, and the field that keeps it.

    `target` is the list whose entities it names. A late attribute names what comes into being
    after its own entity. A set is compared without regard to order.
    """

    name: str
    field: str = ""
    group: str = ""
    target: str = ""
    is_late: bool = False
    is_set: bool = False

    @property
    def field_name(self) -> str:
        """The model's field, which mostly has the attribute's own name."""
        return self.field or self.name

    @property
    def path(self) -> tuple[str, ...]:
        """Where the attribute stands in its entry."""
        return (self.group, self.name) if self.group else (self.name,)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entity: the list in which its entries stand and what they may say.

    An entry of a list says everything: what it leaves out has its default. Of a container it
    says what it says: what it leaves out stays as it is.
    """

    name: str
    noun: str
    model: type[Model]
    key: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    children: tuple[str, ...] = ()
    is_container: bool = False
    extras: tuple[str, ...] = ()

    def model_field(self, attribute: Attribute) -> Field[object, object]:
        """Answer the model's field behind an attribute."""
        return self.model._meta.get_field(attribute.field_name)  # type: ignore[return-value]  # noqa: SLF001 - Django's public API; no relation's far side is named here.

    def name_in(self, content: Mapping[str, JSON]) -> str:
        """Answer the name by which an entry is known in its list."""
        return " as ".join(str(content[name]) for name in self.key)

    def is_many(self, attribute: Attribute) -> bool:
        """Say whether an attribute names any number of other entities."""
        return bool(self.model_field(attribute).many_to_many)
