"""The ceilings at save: nothing may be stored above what the levels above it allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tenants import models
from tenants.models.request_limits import LIMIT_NAMES

if TYPE_CHECKING:
    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
LIFETIMES = (
    "access_token_lifetime_seconds",
    "refresh_token_lifetime_seconds",
    "refresh_token_idle_lifetime_seconds",
)
BUILT_IN_PROFILES = frozenset(models.ClaimProfile.Base.values)


def find_excesses(entity: Model) -> Messages:
    """Answer the settings of an entity that its own or a higher level forbids."""
    if not isinstance(
        entity,
        models.Platform
        | models.Environment
        | models.Tenant
        | models.Api
        | models.Client
        | models.ClientGrantSettings,
    ):
        return {}
    levels = _levels_of(entity)
    messages = _find_number_excesses(entity, levels)
    messages.update(_find_offline_excess(entity, levels))
    messages.update(_find_unknown_profile(entity))
    messages.update(_find_forbidden_algorithm(entity))
    return messages


def _levels_of(entity: Model) -> list[Model]:
    """List the entity's own level and those above it, the nearest first."""
    above: Model | None = None
    match entity:
        case models.Environment():
            above = models.Platform.objects.get(pk=1)
        case models.Tenant():
            above = entity.environment
        case models.Api() | models.Client():
            above = entity.tenant
        case models.ClientGrantSettings():
            above = entity.client
    return [entity, *(_levels_of(above) if above else [])]


def _find_number_excesses(entity: Model, levels: list[Model]) -> Messages:
    messages: Messages = {}
    for name in (*LIFETIMES, *LIMIT_NAMES):
        for own, among in ((name, levels), (f"max_{name}", levels[1:])):
            # Not every level has each number: an Api has no limits, a client no ceiling for them.
            value = getattr(entity, own, None)
            ceilings = [c for c in (getattr(level, f"max_{name}", None) for level in among) if c]
            if value and ceilings and value > min(ceilings):
                messages[own] = [f"Choose at most {min(ceilings)}: a ceiling above allows no more."]
    return messages


def _find_offline_excess(entity: Model, levels: list[Model]) -> Messages:
    """Hold the durations that a person may choose among to what a session may last."""
    if not isinstance(entity, models.Client) or not entity.offline_lifetimes_seconds:
        return {}
    found = (getattr(level, "max_refresh_token_lifetime_seconds", None) for level in levels)
    ceilings = [ceiling for ceiling in found if ceiling]
    if not ceilings or max(entity.offline_lifetimes_seconds) <= min(ceilings):
        return {}
    text = f"Choose at most {min(ceilings)}: a ceiling allows no more."
    return {"offline_lifetimes_seconds": [text]}


def _find_unknown_profile(entity: Model) -> Messages:
    slug = getattr(entity, "claim_profile", "")
    if not slug or slug in BUILT_IN_PROFILES:
        return {}
    tenant_id = (
        entity.pk if isinstance(entity, models.Tenant) else getattr(entity, "tenant_id", None)
    )
    if tenant_id and models.ClaimProfile.objects.filter(tenant=tenant_id, slug=slug).exists():
        return {}
    names = ", ".join(sorted(BUILT_IN_PROFILES))
    return {"claim_profile": [f"No such claim profile; use {names}, or one of the tenant's own."]}


def _find_forbidden_algorithm(entity: Model) -> Messages:
    if not isinstance(entity, models.Tenant | models.Api) or not entity.signing_algorithm:
        return {}
    tenant = entity if isinstance(entity, models.Tenant) else entity.tenant
    allowed = tenant.environment.allowed_signing_algorithms
    if isinstance(entity, models.Tenant) and entity.signing_algorithm == "HS256":
        return {"signing_algorithm": ["HS256 works for single Apis only; choose another here."]}
    if allowed and entity.signing_algorithm not in allowed:
        return {"signing_algorithm": [f"The environment allows {', '.join(allowed)} only."]}
    return {}
