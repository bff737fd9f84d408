"""Reads access policies as the management API shows them: seven statements, however many."""

from __future__ import annotations

from typing import Final

from tenants import models
from tenants.queries.managed import Link, Managed

# The links of a policy: what they lead to, and by which name a document calls it.
LINKS: Final[dict[str, Link]] = {
    "clients": (models.Client, "client_id"),
    "apis": (models.Api, "slug"),
    "scopes": (models.Scope, "name"),
    "subjects": (models.Subject, "pk"),
    "groups": (models.Group, "slug"),
    "trust_profiles": (models.TrustProfile, "slug"),
}
POLICIES: Final = Managed(
    models.AccessPolicy, lambda rows: rows.select_related("tenant").prefetch_related(*LINKS)
)
