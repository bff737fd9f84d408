"""What must hold for a trust profile as a whole. Source: RFC 8725 sections 2.1 and 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tenants import models
from tenants.services.client_rules import check_public_jwks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
ASYMMETRIC = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
SYMMETRIC = frozenset(("HS256", "HS384", "HS512"))


def check_trust_profile(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with a trust profile, by field."""
    assert isinstance(entity, models.TrustProfile)  # noqa: S101 - narrows the type for the checker.
    messages: Messages = {}
    wrong = check_public_jwks(entity.jwks)
    if wrong:
        messages["jwks"] = wrong
    messages.update(_check_algorithms(entity))
    scopes = [s for s in links.get("maximum_scopes", ()) if isinstance(s, models.Scope)]
    if any(scope.api.built_in == models.Api.BuiltIn.MANAGEMENT for scope in scopes):
        messages["maximum_scopes"] = ["Management scopes can never come from an outside issuer."]
    return messages


def _check_algorithms(profile: models.TrustProfile) -> Messages:
    has_secret = profile.shared_secret_ciphertext is not None
    sources = [bool(profile.jwks_uri), bool(profile.jwks), has_secret]
    if sources.count(True) != 1:
        return {"jwks_uri": ["Give exactly one of jwks_uri, jwks and a shared secret."]}
    allowed = SYMMETRIC if has_secret else ASYMMETRIC
    wrong = set(profile.algorithms) - allowed
    if wrong or not profile.algorithms:
        return {"algorithms": [f"With these keys, choose among {', '.join(sorted(allowed))}."]}
    return {}
