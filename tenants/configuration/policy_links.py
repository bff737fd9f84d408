"""Watches that no access policy widens because what it linked to has been removed.

A policy without links applies to everything, so one whose only client is removed must not stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.configuration.kinds import ACCESS_POLICY
from tenants.configuration.stored import find_stored
from tenants.configuration.values import read_value

if TYPE_CHECKING:
    from tenants import models
    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal

LINKS = tuple(attribute for attribute in ACCESS_POLICY.attributes if attribute.target)


def find_linked(tenant: models.Tenant) -> set[tuple[str, str]]:
    """Find the policies that have links, by name and kind of link."""
    return {
        (name, attribute.name)
        for name, policy in find_stored(ACCESS_POLICY, tenant).items()
        for attribute in LINKS
        if read_value(ACCESS_POLICY, attribute, policy)
    }


def refuse_widened(
    journal: Journal, entry: Entry, tenant: models.Tenant, linked_before: set[tuple[str, str]]
) -> None:
    """Refuse to leave a policy without the links that it had, unless the file says so."""
    if ACCESS_POLICY.name in entry:
        return
    remaining = set(find_stored(ACCESS_POLICY, tenant))
    for name, link in sorted(linked_before - find_linked(tenant)):
        if name in remaining:
            text = (
                f"the access policy {name!r} would apply to all {link}, because the last one that "
                "it names is removed; state access_policies as well"
            )
            journal.refuse(entry, text, link)
