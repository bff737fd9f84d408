"""Where a person goes on after signing in, sealed so that nobody can change it on the way.

A continuation is a path below the issuer with its query, and the time at which the person began:
who was asked to prove themselves anew has to do so after that. It is no secret and no permission:
whatever it leads to checks everything again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core import signing

from tokens.front_channel.errors import PageRefused

if TYPE_CHECKING:
    from tenants.records import TenantSnapshot

SALT: Final = "authplatform.continuation"
LIFETIME_SECONDS: Final = 3_600
MAX_CHARACTERS: Final = 8_192
MAX_QUERY_CHARACTERS: Final = 6_000
PARAMETER: Final = "request"
CONSENT: Final = "consent"
AUTHORIZE: Final = "oauth/authorize"


@dataclass(frozen=True, slots=True)
class Continuation:
    """A path below the issuer without leading slash, its query, and when it began (seconds)."""

    path: str
    query: str
    begun_at: float

    @property
    def is_authorization(self) -> bool:
        """Whether an application waits for an answer."""
        return self.path.endswith(AUTHORIZE)

    @property
    def api_slug(self) -> str:
        """The Api that the path fixes; empty for none."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "apis" else ""


def seal(tenant: TenantSnapshot, continuation: Continuation) -> str:
    """Write a continuation as a query parameter takes it.

    Raises:
        PageRefused: the query is too long.
    """
    if len(continuation.query) > MAX_QUERY_CHARACTERS:
        raise PageRefused("too_large", status=414)
    content = [continuation.path, continuation.query, continuation.begun_at]
    text: str = signing.dumps(content, salt=_salt(tenant), compress=True)
    return text


def unseal(tenant: TenantSnapshot, text: str) -> Continuation:
    """Read a continuation of this tenant.

    Raises:
        PageRefused: it was changed, is another tenant's, or is too old.
    """
    if len(text) > MAX_CHARACTERS:
        raise PageRefused("too_large", status=414)
    try:
        path, query, begun_at = signing.loads(text, salt=_salt(tenant), max_age=LIFETIME_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise PageRefused("stale_request", detail=type(error).__name__) from error
    return Continuation(path, query, begun_at)


def address_of(tenant: TenantSnapshot, continuation: Continuation) -> str:
    """Answer where a person goes on: to the consent page where an application waits."""
    if continuation.is_authorization:
        return f"{tenant.issuer}/{CONSENT}?{PARAMETER}={seal(tenant, continuation)}"
    query = f"?{continuation.query}" if continuation.query else ""
    return f"{tenant.issuer}/{continuation.path}{query}"


def _salt(tenant: TenantSnapshot) -> str:
    return f"{SALT}:{tenant.id}"
