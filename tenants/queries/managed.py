"""Reads entities as the management API shows them; the number of statements never grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from django.db.models import Model

from tenants.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from uuid import UUID

    from django.db.models import QuerySet

Row = TypeVar("Row", bound=Model)
# What a link leads to, and by which name a document calls it.
Link: TypeAlias = tuple[type[Model], str]


@dataclass(frozen=True, slots=True)
class Managed(Generic[Row]):
    """One kind of entity: one row of a tenant, or a page of them in the order of `order`.

    `arrange` reads with the rows what their documents show of others.
    """

    model: type[Row]
    arrange: Callable[[QuerySet[Row]], QuerySet[Row]]
    order: str = "slug"

    def get(self, tenant_id: UUID, entity_id: UUID) -> Row:
        """Answer one row.

        Raises:
            NotFound: there is none in this tenant.
        """
        found = self._rows(tenant_id).filter(pk=entity_id).first()
        if found is None:
            raise NotFound(f"no such {self.model._meta.verbose_name}")  # noqa: SLF001 - Django's public API.
        return found

    def page(
        self, tenant_id: UUID, *, after: object, limit: int, **wanted: str | bool | None
    ) -> list[Row]:
        """List at most `limit` rows behind `after`; an absent value in `wanted` shows them all."""
        bounds: dict[str, object] = {
            name: value for name, value in wanted.items() if value not in {"", None}
        }
        if after:
            bounds[f"{self.order}__gt"] = after
        return list(self._rows(tenant_id).filter(**bounds).order_by(self.order)[:limit])

    def _rows(self, tenant_id: UUID) -> QuerySet[Row]:
        return self.arrange(self.model._default_manager.filter(tenant=tenant_id))  # noqa: SLF001 - as above.


def find_targets(tenant_id: UUID, link: Link, names: Collection[object]) -> dict[str, Model]:
    """Find what a link may name in the tenant, by name; one statement."""
    model, naming = link
    rows = model._default_manager.filter(tenant=tenant_id, **{f"{naming}__in": names})  # noqa: SLF001 - Django's public API.
    return {str(getattr(row, naming)): row for row in rows}
