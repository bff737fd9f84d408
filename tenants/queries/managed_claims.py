"""Reads claim rules and claim profiles as the management API shows them; one statement each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models
from tenants.errors import NotFound

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet


def list_claim_rules(tenant_id: UUID, *, after: str, limit: int) -> list[models.ClaimRule]:
    """List at most `limit` rules behind the slug named by `after`."""
    rules = _rules(tenant_id)
    return list(rules.filter(slug__gt=after).order_by("slug")[:limit])


def get_claim_rule(tenant_id: UUID, rule_id: UUID) -> models.ClaimRule:
    """Answer one rule.

    Raises:
        NotFound: there is none in this tenant.
    """
    rule = _rules(tenant_id).filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("no such claim rule")
    return rule


def list_claim_profiles(tenant_id: UUID, *, after: str, limit: int) -> list[models.ClaimProfile]:
    """List at most `limit` profiles behind the slug named by `after`."""
    profiles = models.ClaimProfile.objects.filter(tenant=tenant_id, slug__gt=after)
    return list(profiles.select_related("tenant").order_by("slug")[:limit])


def get_claim_profile(tenant_id: UUID, profile_id: UUID) -> models.ClaimProfile:
    """Answer one profile.

    Raises:
        NotFound: there is none in this tenant.
    """
    profiles = models.ClaimProfile.objects.filter(tenant=tenant_id, pk=profile_id)
    profile = profiles.select_related("tenant").first()
    if profile is None:
        raise NotFound("no such claim profile")
    return profile


def _rules(tenant_id: UUID) -> QuerySet[models.ClaimRule]:
    return models.ClaimRule.objects.filter(tenant=tenant_id).select_related(
        "tenant", "api", "client"
    )
