"""Finds what the files say twice: of two contradicting statements one would be lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants.configuration.kinds import ENVIRONMENT, KINDS, PLATFORM, PROJECT, TENANT
from tenants.configuration.mistakes import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenants.configuration.documents import Entry
    from tenants.configuration.mistakes import Mistake
    from tenants.configuration.vocabulary import Kind


def find_repetitions(entries: Sequence[Entry]) -> list[Mistake]:
    """Find what several documents, or one of them, say twice."""
    search = _Search()
    for entry in entries:
        if "platform" in entry:
            search.visit_container(PLATFORM, entry.entry("platform"), "platform")
        for project in entry.entries("projects"):
            search.visit_project(project)
    return search.mistakes


@dataclass(slots=True)
class _Search:
    """Remembers where everything was said first."""

    mistakes: list[Mistake] = field(default_factory=list)
    seen: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def visit_project(self, project: Entry) -> None:
        """Visit a project, which several documents may share."""
        name = PROJECT.name_in(project.content)
        self.visit_container(PROJECT, project, name)
        for environment in project.entries("environments"):
            path = f"{name}/{ENVIRONMENT.name_in(environment.content)}"
            self.visit_container(ENVIRONMENT, environment, path)
            for tenant in environment.entries("tenants"):
                self.visit_tenant(tenant, f"{path}/{TENANT.name_in(tenant.content)}")

    def visit_container(self, kind: Kind, entry: Entry, path: str) -> None:
        """Refuse an attribute that was stated before, but for the names that lead further down."""
        for attribute in kind.attributes:
            if attribute.name in entry and attribute.name not in kind.key:
                self._remember(entry, path, attribute.name)

    def visit_tenant(self, tenant: Entry, path: str) -> None:
        """Refuse a tenant that was stated before, and names that stand twice in its lists."""
        if self._remember(tenant, path, "slug"):
            self._visit_lists(TENANT, tenant)

    def _visit_lists(self, kind: Kind, entry: Entry) -> None:
        for name in kind.children:
            names: set[str] = set()
            for child in entry.entries(name):
                child_name = KINDS[name].name_in(child.content)
                if child_name in names:
                    key = KINDS[name].key[0]
                    text = f"{quote(child_name)} stands in this list twice; remove one"
                    self.mistakes.append(child.mistake(text, key))
                names.add(child_name)
                self._visit_lists(KINDS[name], child)

    def _remember(self, entry: Entry, path: str, name: str) -> bool:
        first = self.seen.setdefault((path, name), entry)
        if first is entry:
            return True
        place = f"{first.document.file}:{first.document.line_of((*first.path, name))}"
        self.mistakes.append(entry.mistake(f"{place} states this already; state it once", name))
        return False
