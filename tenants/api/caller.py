"""Who calls the management API, and how a request without a good token is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from tenants.api import problems
from tenants.api.problems import Problem
from tenants.records import Actor

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import TenantSnapshot

# Source: RFC 6750 section 3: what an error_description may not contain.
_FORBIDDEN: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client with a token for the management Api of one tenant.

    `scopes` are those of the token that the client still holds.
    """

    tenant: TenantSnapshot
    client: UUID
    client_id: str
    scopes: frozenset[str]
    address: str = ""
    is_authenticated: ClassVar[bool] = True

    @property
    def actor(self) -> Actor:
        """Name the client as the audit does."""
        return Actor("client", str(self.client), self.client_id, self.address)


def authentication_required(issuer: str) -> Problem:
    """Ask for a token; without one, the challenge names no error. Source: RFC 6750 section 3.1."""
    return Problem(
        problems.AUTHENTICATION_REQUIRED,
        "Send a token of this tenant's management Api as `Authorization: Bearer ...`.",
        headers={"WWW-Authenticate": f'Bearer realm="{issuer}"'},
    )


def invalid_token(issuer: str, detail: str) -> Problem:
    """Refuse a token. Source: RFC 6750 section 3.1."""
    challenge = _challenge(issuer, "invalid_token", detail)
    return Problem(problems.INVALID_TOKEN, detail, headers={"WWW-Authenticate": challenge})


def insufficient_scope(issuer: str, scope: str) -> Problem:
    """Name the scope that is needed. Source: RFC 6750 section 3.1."""
    detail = f"Ask for a token with the scope {scope}; an owner of the tenant can give it."
    challenge = _challenge(issuer, "insufficient_scope", detail) + f', scope="{scope}"'
    return Problem(problems.INSUFFICIENT_SCOPE, detail, headers={"WWW-Authenticate": challenge})


def _challenge(issuer: str, error: str, description: str) -> str:
    text = _FORBIDDEN.sub("'", description)
    return f'Bearer realm="{issuer}", error="{error}", error_description="{text}"'
