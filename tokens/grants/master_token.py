"""A master token asks for a token of a user; no grant of the token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.records import AccessRequest, GrantType
from tokens.errors import InsufficientScope

if TYPE_CHECKING:
    from tenants.records import SubjectRecord
    from tokens.callers import Caller
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.MASTER_TOKEN.value


def request_access(
    request: EndpointRequest,
    caller: Caller,
    subject: SubjectRecord,
    *,
    scopes: tuple[str, ...] | None,
    audiences: tuple[str, ...] = (),
) -> AccessRequest:
    """Ask for a token of the user whose scope is at most the master token's.

    What the master token may delegate is a ceiling: its client, the Apis and the policies cut the
    scope besides. How long the token lives is the tenant's setting.

    Raises:
        InsufficientScope: no master token was presented.
    """
    if caller.master_token is None or caller.client is None:
        raise InsufficientScope("Only a master token can ask for the token of a user.")
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=caller.client,
        subject=subject,
        requested_scopes=scopes,
        requested_audiences=audiences,
        scope_ceiling=caller.master_token.scopes,
        master_token_id=caller.master_token.id,
        address=request.address,
        user_agent=request.user_agent,
        groups=subject.groups,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )
