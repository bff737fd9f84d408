"""A session goes on: a refresh token is swapped for a new pair. Source: RFC 6749 section 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.records import AccessRequest, GrantType, SubjectRecord
from tokens import refresh_tokens
from tokens.errors import InvalidGrant

if TYPE_CHECKING:
    from tenants.records import ClientRecord, PresentedRefreshToken
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.REFRESH_TOKEN.value


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for what the session was granted, or for less.

    Raises:
        InvalidGrant: the refresh token is not good, is another client's, or was used before.
    """
    text = request.parameters.require("refresh_token")
    presented = refresh_tokens.present(request.tenant.id, client.id, text, now=request.now)
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=_subject_of(presented),
        requested_scopes=request.requested_scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        usage_limit=request.requested_usage_limit,
        scope_ceiling=_scope_ceiling(request, presented),
        audience_ceiling=frozenset(presented.audiences),
        session_id=presented.session_id,
        session_expires_at=presented.session_expires_at,
        session_grant_type=presented.grant_type,
        trust_profile_id=presented.trust_profile_id,
        presented=presented,
        app_tenant_id=presented.app_tenant_id,
        app_subject_id=presented.app_subject_id,
        address=request.address,
        user_agent=request.user_agent,
        groups=tuple(presented.groups) if presented.subject_id else None,
        method=request.method,
        headers=request.headers,
        now=request.now,
        authentication=presented.authentication,
        claims_request=presented.claims_request,
    )


def _scope_ceiling(request: EndpointRequest, presented: PresentedRefreshToken) -> frozenset[str]:
    """Bound the scope by what was granted and by what the trust profile gives today.

    Raises:
        InvalidGrant: the profile by which the session began is gone or disabled.
    """
    granted = frozenset(presented.scopes)
    if presented.trust_profile_id is None:
        return granted
    for profile in request.tenant.trust_profiles:
        if profile.id == presented.trust_profile_id:
            return granted & profile.maximum_scope
    raise InvalidGrant(refresh_tokens.REFUSAL, detail="the session's trust profile is gone")


def _subject_of(presented: PresentedRefreshToken) -> SubjectRecord | None:
    """Name the session's subject; a disabled one has ended the session already."""
    if presented.subject_id is None:
        return None
    return SubjectRecord(
        presented.subject_id,
        is_enabled=True,
        cut_off_number=presented.cut_off_number,
        memberships=presented.memberships,
        attributes=presented.attributes,
        standard_claims=presented.standard_claims,
    )
