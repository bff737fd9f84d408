"""Brings one entity to what its entry says, through the service that is responsible for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tenants import models
from tenants.configuration.built_in import birth_value
from tenants.configuration.journal import Difference, changed
from tenants.configuration.names import NO_NAMES, Names
from tenants.configuration.values import is_same, normalise, read_value, to_python
from tenants.errors import InvalidEntity, TenantsError
from tenants.services import changes, clients, master_tokens, trust_profiles
from tenants.services import tenants as tenant_services

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal
    from tenants.configuration.vocabulary import Attribute, Kind
    from tenants.records import JSON, Actor

REASON = "configuration applied"


@dataclass(slots=True)
class Draft:
    """An entity on its way to what its entry says; `label` names it in the difference.

    Whoever has changed the entity beforehand has left the differences here. A spoiled draft names
    what does not exist, and is not written.
    """

    journal: Journal
    entry: Entry
    kind: Kind
    entity: Model
    label: str
    names: Names = NO_NAMES
    links: dict[str, list[Model]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    is_spoiled: bool = False

    @property
    def name(self) -> str:
        """The name by which the entry is known in its list."""
        return self.kind.name_in(self.entry.content)

    @property
    def is_new(self) -> bool:
        """Whether the entity is not stored yet."""
        return bool(self.entity._state.adding)  # noqa: SLF001 - Django's documented way to ask.

    def refuse(self, text: str, attribute: Attribute) -> None:
        """Note a mistake at an attribute."""
        self.journal.refuse(self.entry, text, *attribute.path)


def bring(draft: Draft, *, is_late: bool = False) -> Model | None:
    """Write the entity where it differs from its entry; answer None where the entry is wrong."""
    count = len(draft.journal.mistakes)
    _settle_id(draft)
    for attribute in draft.kind.attributes:
        if attribute.is_late == is_late:
            _settle(draft, attribute)
    if draft.is_spoiled or len(draft.journal.mistakes) > count:
        return None
    if draft.is_new:
        return _store(draft, [Difference("+", draft.label)])
    return _store(draft, draft.differences) if draft.differences else draft.entity


def _settle_id(draft: Draft) -> None:
    """Give a new entity the id of the caller's choice; an id once given stays."""
    stated = draft.entry.content.get("id")
    if stated is None or str(draft.entity.pk) == stated:
        return
    if draft.is_new:
        draft.entity.pk = uuid.UUID(str(stated))
    else:
        text = f"this {draft.kind.noun} exists with the id {draft.entity.pk}, which can't change"
        draft.journal.refuse(draft.entry, text, "id")


def _settle(draft: Draft, attribute: Attribute) -> None:
    """Set one attribute on the entity if it differs."""
    is_stated, stated = find_stated(draft.entry, attribute)
    if not is_stated and draft.kind.is_container:
        return
    try:
        wanted = (
            normalise(draft.kind, attribute, stated)
            if is_stated and stated is not None
            else birth_value(draft.kind, attribute, draft.entity)
        )
    except ValueError as error:
        draft.refuse(str(error), attribute)
        return
    current = read_value(draft.kind, attribute, draft.entity)
    if not is_same(current, wanted):
        _set(draft, attribute, wanted)
        label = f"{draft.label}.{'.'.join(attribute.path)}"
        draft.differences.append(changed(label, current, wanted))


def find_stated(entry: Entry, attribute: Attribute) -> tuple[bool, JSON]:
    """Answer whether an entry says something of an attribute, and what."""
    content = entry.entry(attribute.group).content if attribute.group else entry.content
    return attribute.name in content, content.get(attribute.name)


def _set(draft: Draft, attribute: Attribute, wanted: JSON) -> None:
    if draft.kind.is_many(attribute):
        found = [
            draft.names.find(draft.journal, draft.entry, attribute, name)
            for name in cast("list[str]", wanted)
        ]
        draft.links[attribute.field_name] = [target for target in found if target is not None]
        draft.is_spoiled |= None in found
    elif attribute.target:
        target = _find_one(draft, attribute, wanted)
        setattr(draft.entity, attribute.field_name, target)
    else:
        value = to_python(draft.kind.model_field(attribute), wanted)
        setattr(draft.entity, attribute.field_name, value)


def _find_one(draft: Draft, attribute: Attribute, name: JSON) -> Model | None:
    if name is None:
        return None
    target = draft.names.find(draft.journal, draft.entry, attribute, str(name))
    draft.is_spoiled |= target is None
    return target


def _store(draft: Draft, differences: list[Difference]) -> Model | None:
    try:
        _save(draft.entity, draft.journal.actor, draft.links)
    except InvalidEntity as error:
        paths = {item.field_name: item.path for item in draft.kind.attributes}
        draft.journal.refuse_entity(draft.entry, error, paths)
        return None
    except TenantsError as error:
        draft.journal.refuse(draft.entry, str(error))
        return None
    draft.journal.differences.extend(differences)
    return draft.entity


def _save(entity: Model, actor: Actor, links: changes.Links) -> None:
    """Write an entity by the service that knows what else its change means."""
    if hasattr(entity, "version") and not entity._state.adding:  # noqa: SLF001 - as above.
        # What was written below it in the meantime has raised its counter.
        entity.refresh_from_db(fields=["version"])
    match entity:
        case models.Tenant() if entity._state.adding:  # noqa: SLF001 - as above.
            tenant_services.create_tenant(entity, actor=actor, reason=REASON)
        case models.Tenant():
            tenant_services.update_tenant(entity, actor=actor, reason=REASON)
        case models.Client():
            clients.save_client(entity, actor=actor, reason=REASON, links=links)
        case models.TrustProfile():
            trust_profiles.save_trust_profile(entity, actor=actor, reason=REASON, links=links)
        case models.MasterToken():
            master_tokens.save_master_token(entity, actor=actor, reason=REASON, links=links)
        case _:
            changes.save(entity, actor=actor, reason=REASON, links=links)
