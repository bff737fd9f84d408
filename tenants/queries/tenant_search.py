"""Finds tenants by how their slug, path or name begins, each by an index of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import BooleanField, F, Func, Q, Value

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tenants.models import Tenant

SEARCH_HELP: Final = "Id, or how the slug, the path or the name begins (the name in its capitals)."


def find_by_beginning(rows: QuerySet[Tenant], text: str) -> QuerySet[Tenant]:
    """Keep the tenants whose slug, path or name begins with a text."""
    small = text.lower()  # Slugs and paths have no capitals.
    return rows.filter(
        Q(_begins("slug", small)) | Q(_begins("path", small)) | Q(_begins("name", text))
    )


def _begins(field: str, text: str) -> Func:
    """Ask by a function that leaks nothing: LIKE can use no index below row-level security."""
    return Func(F(field), Value(text), function="starts_with", output_field=BooleanField())
