"""Rebuilds a token record from an accepted token's row, so that claims can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.records import TokenRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, TenantSnapshot
    from tokens.gate import AcceptedToken


def record_of(
    tenant: TenantSnapshot,
    token: AcceptedToken,
    *,
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    extra_claims: Mapping[str, JSON],
    group_claims: str,
) -> TokenRecord:
    """Build the record with the part of scopes and audiences that the reader may see."""
    return TokenRecord(
        token_id=token.id,
        issuer=tenant.issuer,
        project_slug=tenant.project_slug,
        environment_slug=tenant.environment_slug,
        tenant_slug=tenant.slug,
        client_id=token.client_id,
        audiences=audiences,
        scopes=scopes,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        issuer_override=tenant.issuer_override,
        subject=str(token.subject_id) if token.subject_id else "",
        actor=token.actors[0] if token.actors else "",
        prior_actors=token.actors[1:],
        app_tenant_id=token.app_tenant_id,
        app_subject_id=token.app_subject_id,
        memberships=token.memberships,
        group_claims=group_claims,
        usage_limit=token.usage_limit,
        extra_claims=extra_claims,
    )
