"""A token of a trusted outside issuer is swapped for one of ours. Source: RFC 7523 section 2.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.records import AccessRequest, GrantType
from tokens import foreign_subjects

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.JWT_BEARER.value


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for a token of the subject that the assertion names.

    Raises:
        OAuthError: the assertion is not good, was used before, or names nobody we know; or the
            request is refused before its subject is made.
    """
    found = foreign_subjects.accept(request, request.parameters.require("assertion"))
    scopes = request.requested_scopes
    if scopes is None and found.match.scopes:
        scopes = tuple(sorted(found.match.scopes))
    asked = AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=found.subject,
        requested_scopes=scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        usage_limit=request.requested_usage_limit,
        scope_ceiling=found.scope_ceiling,
        trust_profile_id=found.profile.id,
        address=request.address,
        user_agent=request.user_agent,
        groups=found.subject.groups,
        claims=found.signed.claims,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )
    if found.is_at_first_sight:
        return foreign_subjects.settle(request, asked, found.match)
    return asked
