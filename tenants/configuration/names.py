"""Finds the entities that an entry names, in its own tenant only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.kinds import KINDS
from tenants.configuration.mistakes import quote, suggest
from tenants.configuration.vocabulary import NAMING_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model

    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal
    from tenants.configuration.vocabulary import Attribute


@dataclass(frozen=True, slots=True)
class Names:
    """The entities of one tenant by list and name, and those whose own entry is wrong."""

    entities: Mapping[str, dict[str, Model]]
    failed: set[tuple[str, str]] = field(default_factory=set)
    tenant: models.Tenant | None = None

    def add(self, target: str, name: str, entity: Model | None) -> None:
        """Make an entity known; None marks one that could not be made."""
        if entity is None:
            self.failed.add((target, name))
        else:
            self.entities[target][name] = entity

    def find(self, journal: Journal, entry: Entry, attribute: Attribute, name: str) -> Model | None:
        """Find what an attribute names; where there is nothing, note the mistake."""
        if attribute.target == "users":
            return _find_user(journal, entry, attribute, name)
        if attribute.target == "subjects":
            return self._find_subject(journal, entry, attribute, name)
        known = self.entities[attribute.target]
        if name in known:
            return known[name]
        if (attribute.target, name) not in self.failed:
            noun = KINDS[attribute.target].noun
            text = f"{quote(name)} is no {noun} of this tenant{suggest(name, known)}"
            journal.refuse(entry, text, *attribute.path)
        return None

    def _find_subject(
        self, journal: Journal, entry: Entry, attribute: Attribute, name: str
    ) -> models.Subject | None:
        """Find an end user: a tenant may have too many to load them all."""
        found = models.Subject.objects.filter(tenant=self.tenant, pk=name).first()
        if found is None:
            text = f"there is no subject {quote(name)} in this tenant; name one by its id"
            journal.refuse(entry, text, *attribute.path)
        return found


def load_names(tenant: models.Tenant) -> Names:
    """Load what the entries of a tenant may name."""
    return Names(
        {
            target: {
                str(getattr(entity, NAMING_FIELDS[target])): entity
                for entity in KINDS[target].model._default_manager.filter(tenant=tenant)  # noqa: SLF001 - Django's public API.
            }
            for target in ("apis", "clients", "groups", "scopes", "trust_profiles")
        },
        tenant=tenant,
    )


NO_NAMES = Names({})


def _find_user(
    journal: Journal, entry: Entry, attribute: Attribute, name: str
) -> models.User | None:
    user = models.User.objects.filter(username=name).first()
    if user is None:
        text = f"there is no operator {quote(name)}; create the account in the admin first"
        journal.refuse(entry, text, *attribute.path)
    return user
