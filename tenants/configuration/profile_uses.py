"""Removes claim profiles, but none that something still names: they are named, not linked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.stored import find_stored

if TYPE_CHECKING:
    from tenants.configuration.stated_list import StatedList


def remove_absent_profiles(profiles: StatedList, tenant: models.Tenant) -> None:
    """Remove the tenant's claim profiles that are stated no more and used by nothing."""
    if not profiles.is_stated:
        return
    absent = find_stored(profiles.kind, tenant).keys() - set(profiles.stated_names())
    used = _find_uses(tenant) if absent else set()
    for name in sorted(absent & used):
        text = f"the claim profile {name!r} is still used in this tenant and can't be removed"
        profiles.journal.refuse(profiles.entry, text, profiles.kind.name)
    if not absent & used:
        profiles.remove_absent()


def _find_uses(tenant: models.Tenant) -> set[str]:
    used = {tenant.claim_profile}
    for model in (models.Api, models.Client, models.ClientGrantSettings):
        rows = model._default_manager.filter(tenant=tenant)  # noqa: SLF001 - Django's public API.
        used.update(rows.values_list("claim_profile", flat=True).distinct())
    return used
