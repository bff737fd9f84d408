"""Counts no further than anybody pages."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MAX_COUNTED_ROWS = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only.
    """A paginator whose count stops at a bound; whoever needs the rest searches."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or the bound where there are more."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MAX_COUNTED_ROWS].count()
        return min(len(rows), MAX_COUNTED_ROWS)
