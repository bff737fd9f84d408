"""Makes access policies through the real service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenants.models import AccessPolicy
from tenants.records import SYSTEM
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenants.models import Tenant

LINKS = ("clients", "apis", "scopes", "subjects", "groups", "trust_profiles")


def make_policy(tenant: Tenant, slug: str, **fields: Any) -> AccessPolicy:
    """Make a policy; links are lists of entities, and a rule without engine is a pattern."""
    links: dict[str, Sequence[Any]] = {name: fields.pop(name) for name in LINKS if name in fields}
    if "rule" in fields:
        fields.setdefault("engine", "match")
    policy = AccessPolicy(tenant=tenant, slug=slug, **fields)
    changes.save(policy, actor=SYSTEM, links=links)
    return policy
