"""Finds the policies that would reach further because something that they link to goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import Model

# The kinds of entities that a policy links to, and the relation that does.
RELATIONS: dict[type[Model], str] = {
    models.Client: "clients",
    models.Api: "apis",
    models.Scope: "scopes",
    models.Subject: "subjects",
    models.Group: "groups",
    models.TrustProfile: "trust_profiles",
}


def find_emptied_policies(entity: Model) -> list[models.AccessPolicy]:
    """List the policies that lose their last link of a kind with this entity, by slug.

    A policy without links of a kind speaks of all: it would allow, deny or limit more than it was
    written for. Each kind that is linked to costs two statements.
    """
    emptied: dict[UUID, models.AccessPolicy] = {}
    for name, ids in _find_targets(entity):
        linked = models.AccessPolicy.objects.filter(**{f"{name}__in": ids}).distinct()
        for policy in linked.select_related("tenant").prefetch_related(name):
            if all(target.pk in ids for target in getattr(policy, name).all()):
                emptied[policy.pk] = policy
    return sorted(emptied.values(), key=lambda policy: policy.slug)


def _find_targets(entity: Model) -> Iterator[tuple[str, set[UUID]]]:
    """Name the relations that lose targets; with an Api go its scopes."""
    name = RELATIONS.get(type(entity))
    if name is not None:
        yield name, {entity.pk}
    if isinstance(entity, models.Api):
        scopes = set(entity.scopes.values_list("pk", flat=True))
        if scopes:
            yield "scopes", scopes
