"""Reads what a person is told about scopes before they agree to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.models import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class ScopeText:
    """A scope in the words of its tenant; a title or description that nobody wrote is empty."""

    name: str
    title: str
    description: str
    is_emphasized: bool
    is_required: bool


def find_scope_texts(
    tenant_id: UUID, names: Collection[str], *, language: str
) -> tuple[ScopeText, ...]:
    """Find the texts of scopes, emphasized ones first; one statement."""
    scopes = Scope.objects.filter(tenant_id=tenant_id, name__in=list(names))
    found = scopes.order_by("-emphasized", "name")
    return tuple(_write(scope, language) for scope in found)


def _write(scope: Scope, language: str) -> ScopeText:
    """Choose the words; a language that lacks one of them has it in the tenant's own."""
    translated: Mapping[str, str] = scope.translations.get(language) or {}
    return ScopeText(
        scope.name,
        translated.get("title") or scope.title,
        translated.get("description") or scope.description,
        scope.emphasized,
        scope.is_required,
    )
