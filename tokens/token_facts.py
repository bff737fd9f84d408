"""Rebuilds a token record from an accepted token's row, so that claims can be written again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tenants.pairwise import name_subject
from tenants.queries.subjects import find_subjects
from tenants.records import Authentication, ConsumedGrant, GrantType, TokenRecord
from tokens.models import AccessToken, Session

if TYPE_CHECKING:
    from tenants.records import AccessRequest, ClientRecord, TenantSnapshot
    from tokens.gate import AcceptedToken

NOBODY: Final = UUID(int=0)
CONSUMING: Final = frozenset((GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE))


def recall_groups(request: AccessRequest, tenant_id: UUID) -> AccessRequest:
    """Put in the groups that a token was made with, as they are today; one statement if any.

    A row keeps their slugs only, and who has left one is told without it.
    """
    if request.subject is None or not request.groups:
        return request
    found = find_subjects(tenant_id, [request.subject.id]).get(request.subject.id)
    held = found.memberships if found else ()
    kept = tuple([group for group in held if group.slug in request.groups])
    return replace(request, subject=replace(request.subject, memberships=kept))


def find_session(token: AccessToken) -> Session | None:
    """Find the session of an issued token, or of the one for which it was exchanged."""
    if token.session_id:
        return Session.objects.filter(pk=token.session_id).first()
    if token.parent_id is None:
        return None
    parent = AccessToken.objects.filter(pk=token.parent_id)
    return Session.objects.filter(pk__in=parent.values("session_id")).first()


def recall_authentication(session: Session | None) -> Authentication | None:
    """Say again how a person was recognised whose session it is."""
    if session is None or session.sign_in_id is None or session.authenticated_at is None:
        return None
    authenticated_at = int(session.authenticated_at.timestamp())
    return Authentication(session.sign_in_id, authenticated_at, session.acr, tuple(session.amr))


def recall_assurance(acr: str) -> Authentication | None:
    """Say again how surely a person was recognised, of which a trace keeps no more."""
    return Authentication(NOBODY, 0, acr) if acr else None


def recall_consumed(token: AccessToken) -> ConsumedGrant | None:
    """Say again that a code was used up; which one it was plays no part in a plan."""
    if token.grant_type not in CONSUMING or token.session_id is None:
        return None
    return ConsumedGrant(token.grant_type, NOBODY, token.session_id)


def record_of(
    tenant: TenantSnapshot,
    token: AcceptedToken,
    *,
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    owner: ClientRecord | None,
) -> TokenRecord:
    """Build the record with the part of scopes and audiences that the reader may see.

    `owner` is the token's client, None where it is gone.
    """
    authentication = token.authentication
    is_refreshed = token.grant_type == GrantType.REFRESH_TOKEN
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
        subject=_name_subject(tenant, token, owner),
        actor=token.actors[0] if token.actors else "",
        prior_actors=token.actors[1:],
        app_tenant_id=token.app_tenant_id,
        app_subject_id=token.app_subject_id,
        memberships=token.memberships,
        group_claims=owner.group_claims if owner else "",
        authenticated_at=authentication.authenticated_at if authentication else None,
        acr=authentication.acr if authentication else "",
        amr=authentication.amr if authentication else (),
        usage_limit=token.usage_limit,
        grant_type=token.grant_type,
        session_grant_type=token.session_grant_type if is_refreshed else "",
    )


def _name_subject(tenant: TenantSnapshot, token: AcceptedToken, owner: ClientRecord | None) -> str:
    if token.subject_id is None:
        return ""
    return name_subject(token.subject_id, owner, tenant) if owner else str(token.subject_id)
