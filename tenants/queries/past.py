"""Reads what the entities of the configuration were at a version, from the history of changes.

An entity is its newest change up to the version. What the database removed by itself when
something else was deleted - a scope with its Api, a link with its target - has no change of its
own; it is found by the deletion of what it hung on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.db import connection
from django.db.models import BinaryField

from tenants import models

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from django.db.models import Model

# An entity's columns by name, as the history keeps them.
State: TypeAlias = "dict[str, Any]"
# The kind and the id of an entity.
Name: TypeAlias = "tuple[str, str]"

NEWEST_SQL: Final = """
SELECT DISTINCT ON (entity_kind, entity_id) entity_kind, entity_id, id, state::text
FROM tenants_configurationchange
WHERE scope_kind = %s AND scope_id = %s AND version <= %s
  AND (%s::text[] IS NULL OR entity_id = ANY (%s::text[]))
ORDER BY entity_kind, entity_id, version DESC
"""
# Clients have versions of their own: of their deletions those count that came before the tenant's
# next change, as until then the tenant's core stayed what it was.
DEATHS_SQL: Final = """
SELECT entity_kind, entity_id, max(id) FROM tenants_configurationchange
WHERE tenant_id = %(tenant_id)s AND COALESCE(state, 'null') = 'null'::jsonb
  AND ((scope_kind = 'tenant' AND version <= %(version)s)
    OR (scope_kind = 'client' AND entity_kind = 'client' AND id < COALESCE((
      SELECT min(id) FROM tenants_configurationchange WHERE scope_kind = 'tenant'
        AND scope_id = %(tenant_id)s::text AND version > %(version)s), 9223372036854775807)))
GROUP BY entity_kind, entity_id
"""
# What goes when its parent goes: kind -> the parent's kind by the column that names it.
PARENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "scope": {"api_id": "api"},
    "claim_rule": {"api_id": "api", "client_id": "client"},
}


@dataclass(frozen=True, slots=True)
class Past:
    """The newest changes up to a version, and when what was deleted until then was deleted.

    Changes are told apart by their ids, which grow with time within a tenant.
    """

    changes: Mapping[Name, tuple[int, State | None]]
    deaths: Mapping[Name, int] = field(default_factory=dict)

    def living(self, kind: str) -> list[tuple[int, State]]:
        """List the entities of a kind that there were, each with the id of its newest change."""
        return [
            (change_id, state)
            for (found, entity_id), (change_id, state) in self.changes.items()
            if found == kind and state is not None and not self._has_lost(kind, entity_id)
        ]

    def state(self, kind: str, entity_id: str) -> State | None:
        """Answer one entity, or None where there was none."""
        change = self.changes.get((kind, entity_id))
        return change[1] if change else None

    def linked(self, kind: str, targets: Iterable[str], since: int) -> list[str]:
        """Keep the targets of a link that were not deleted after the change that made it."""
        return [target for target in targets if not self._has_died(kind, target, since)]

    def _has_died(self, kind: str, entity_id: str, since: int) -> bool:
        if self.deaths.get((kind, entity_id), 0) > since:
            return True
        change = self.changes.get((kind, entity_id))
        return change is not None and self._has_lost(kind, entity_id, since)

    def _has_lost(self, kind: str, entity_id: str, since: int = 0) -> bool:
        """Say whether a parent was deleted after the entity's newest change, and after `since`."""
        change_id, state = self.changes[(kind, entity_id)]
        return state is not None and any(
            self.deaths.get((parent, state.get(column) or ""), 0) > max(change_id, since)
            for column, parent in PARENTS.get(kind, {}).items()
        )


def read_past(
    scope_kind: str, scope_id: object, version: int, *, entity_ids: list[str] | None = None
) -> Past:
    """Read the newest changes of a scope up to its version; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_SQL, [scope_kind, str(scope_id), version, entity_ids, entity_ids])
        rows = cursor.fetchall()
    return Past({(kind, key): (number, _parse(text)) for kind, key, number, text in rows})


def read_tenant_past(tenant_id: UUID, version: int) -> Past:
    """Read what a tenant's core consists of at a version; two statements."""
    past = read_past("tenant", tenant_id, version)
    with connection.cursor() as cursor:
        cursor.execute(DEATHS_SQL, {"tenant_id": tenant_id, "version": version})
        deaths = {(kind, key): number for kind, key, number in cursor.fetchall()}
    return Past(past.changes, deaths)


def read_present(model: type[Model], entity_id: str) -> State | None:
    """Read an entity as it is, for what has no history; one statement."""
    options = model._meta  # noqa: SLF001 - Django's public API.
    sql = f"SELECT row_to_json(t)::text FROM {options.db_table} t WHERE id = %s"  # noqa: S608 - our own.
    with connection.cursor() as cursor:
        cursor.execute(sql, [entity_id])
        row = cursor.fetchone()
    return _parse(row[0]) if row else None


def complete(model: type[Model], state: State) -> State:
    """Add the columns that the history doesn't keep or that came later, with their defaults."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's public API.
    missing = {
        f.attname: None if isinstance(f, BinaryField) else f.get_default()
        for f in fields
        if f.attname not in state
    }
    return {**missing, **state}


def _parse(text: str | None) -> State | None:
    state: State | None = json.loads(text) if text else None
    return state


MODELS: Final[Mapping[str, type[Model]]] = {
    "platform": models.Platform,
    "project": models.Project,
    "environment": models.Environment,
    "tenant": models.Tenant,
    "api": models.Api,
    "scope": models.Scope,
    "signing_key": models.SigningKey,
    "access_policy": models.AccessPolicy,
    "trust_profile": models.TrustProfile,
    "claim_profile": models.ClaimProfile,
    "claim_rule": models.ClaimRule,
    "client": models.Client,
    "client_grant_settings": models.ClientGrantSettings,
}
