"""Verifies tokens as a resource server does that knows the issuer only by its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
from django.conf import settings

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

ORDERS = "https://orders.example/"
OPAQUE = r"[0-9A-F]{64}"


def issuer_of(tenant: Tenant) -> str:
    return f"{settings.TENANTS_BASE_URL}/t/{tenant.path}"


def verify(oauth: OAuthClient, token: str, audience: str | None = ORDERS) -> dict[str, Any]:
    """Answer the claims of a token whose key the issuer publishes."""
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in oauth.get("/jwks").json()["keys"] if key["kid"] == kid)
    is_known = audience is not None
    return jwt.decode(
        token,
        jwt.PyJWK(key),
        algorithms=[key["alg"]],
        audience=audience,
        options={"verify_aud": is_known},
    )
