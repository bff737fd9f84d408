"""A list that a file states: what it names is written, what it does not name is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.built_in import is_built_in
from tenants.configuration.journal import Difference
from tenants.configuration.kinds import KINDS
from tenants.configuration.names import NO_NAMES, Names
from tenants.configuration.stored import find_stored, new_entity
from tenants.configuration.writing import Draft
from tenants.errors import TenantsError
from tenants.services import changes, client_secrets, clients
from tenants.services.policy_targets import find_emptied_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal
    from tenants.configuration.vocabulary import Kind
    from tenants.records import Actor

REASON = "no longer in the configuration"
# The kinds that would go together with an entity, and the field by which they hang on it.
DEPENDENTS: dict[type[Model], tuple[tuple[str, str], ...]] = {
    models.Client: (("master_tokens", "client"), ("claim_rules", "client")),
    models.Api: (("claim_rules", "api"),),
}


@dataclass(frozen=True, slots=True)
class StatedList:
    """One list of an entry, the entity that owns what is in it, and its label.

    The label of a list of containers is the path of the container above.
    """

    journal: Journal
    entry: Entry
    kind: Kind
    owner: Model | None
    label: str

    @property
    def is_stated(self) -> bool:
        """Whether the file says anything of this list; if not, it stays as it is."""
        return self.kind.name in self.entry

    def stated_names(self) -> list[str]:
        """Answer the names that stand in the list."""
        return [self.kind.name_in(child.content) for child in self.entry.entries(self.kind.name)]

    def drafts(self, names: Names = NO_NAMES) -> Iterator[Draft]:
        """Answer each entry with its entity, the stored one or a new one."""
        # There may be any number of containers; only the stated ones are looked at.
        only = self.stated_names() if self.kind.is_container else None
        stored = find_stored(self.kind, self.owner, only) if self.is_stated else {}
        for child in self.entry.entries(self.kind.name):
            name = self.kind.name_in(child.content)
            entity = stored.get(name) or new_entity(self.kind, self.owner)
            yield Draft(self.journal, child, self.kind, entity, self._label_of(name), names)

    def _label_of(self, name: str) -> str:
        if self.kind.is_container:
            return f"{self.label}/{name}" if self.label else name
        return f"{self.label}[{name}]"

    def remove_absent(self) -> None:
        """Remove what the list does not name, but for what is built in."""
        if not self.is_stated:
            return
        stored = find_stored(self.kind, self.owner)
        for name in sorted(stored.keys() - set(self.stated_names())):
            if not is_built_in(stored[name]):
                self.remove(stored[name], name)

    def remove(self, entity: Model, name: str) -> None:
        """Remove one entity and, visibly, what goes with it."""
        policies = find_emptied_policies(entity)
        self._remove_dependents(entity)
        try:
            _delete(entity, self.journal.actor)
        except TenantsError as error:
            self.journal.refuse(self.entry, f"{name}: {error}", self.kind.name)
            return
        gone = [Difference("-", f"{p.tenant.path} access_policies[{p.slug}]") for p in policies]
        self.journal.differences.extend([*gone, Difference("-", f"{self.label}[{name}]")])

    def _remove_dependents(self, entity: Model) -> None:
        for list_name, field_name in DEPENDENTS.get(type(entity), ()):
            sibling = self._sibling(KINDS[list_name])
            for name, dependent in find_stored(sibling.kind, self.owner).items():
                if getattr(dependent, f"{field_name}_id") == entity.pk:
                    sibling.remove(dependent, name)

    def _sibling(self, kind: Kind) -> StatedList:
        label = f"{self.label.removesuffix(self.kind.name)}{kind.name}"
        return StatedList(self.journal, self.entry, kind, self.owner, label)


def _delete(entity: Model, actor: Actor) -> None:
    """Delete by the service that knows what else goes."""
    match entity:
        case models.Client():
            clients.delete_client(entity, actor=actor, reason=REASON)
        case models.ClientSecret():
            client_secrets.remove_secret(entity, actor=actor, reason=REASON)
        case _:
            changes.delete(entity, actor=actor, reason=REASON)
