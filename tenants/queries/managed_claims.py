"""Reads claim rules and claim profiles as the management API shows them; one statement each."""

from __future__ import annotations

from typing import Final

from tenants import models
from tenants.queries.managed import Link, Managed

# The links of a rule: what they lead to, and by which name a document calls it.
LINKS: Final[dict[str, Link]] = {
    "api": (models.Api, "slug"),
    "client": (models.Client, "client_id"),
}
CLAIM_RULES: Final = Managed(
    models.ClaimRule, lambda rows: rows.select_related("tenant", "api", "client")
)
CLAIM_PROFILES: Final = Managed(models.ClaimProfile, lambda rows: rows.select_related("tenant"))
