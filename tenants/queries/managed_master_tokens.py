"""Reads master tokens as the management API shows them: two statements, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants import models
from tenants.queries.managed import Link, Managed

if TYPE_CHECKING:
    from collections.abc import Collection

# The links of a master token: what they lead to, and by which name a document calls it.
CLIENT: Final[Link] = (models.Client, "client_id")
LINKS: Final[dict[str, Link]] = {"scopes": (models.Scope, "name")}
# A label may hold any character, which a cursor can't; an id always fits.
MASTER_TOKENS: Final = Managed(
    models.MasterToken,
    lambda rows: rows.select_related("tenant", "client").prefetch_related(*LINKS),
    order="pk",
)


def find_missing_scopes(client: models.Client, names: Collection[str]) -> list[str]:
    """Name the scopes that the client itself does not have, in their order; one statement."""
    held = set(client.scopes.filter(name__in=names).values_list("name", flat=True))
    return sorted(set(names) - held)
