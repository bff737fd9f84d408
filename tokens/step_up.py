"""Asks at our own endpoints for a person who proved more surely who they are.

Source: RFC 9470 section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.assurance import reaches, strongest
from tokens.errors import InsufficientUserAuthentication

if TYPE_CHECKING:
    from tenants.records import TenantSnapshot
    from tokens.gate import AcceptedToken

TOO_WEAK = "Sign the person in again, with the acr_values of this challenge."


def require_assurance(tenant: TenantSnapshot, token: AcceptedToken) -> None:
    """Let a token through whose session reaches what the tenant asks of our own scopes today.

    Other Apis' scopes are their resource servers' business, who learn `acr` by introspection.

    Raises:
        InsufficientUserAuthentication: the person has to prove more surely who they are.
    """
    acr = token.authentication.acr if token.authentication else ""
    needed = strongest(_needed_values(tenant, token))
    if not reaches(acr, needed):
        raise InsufficientUserAuthentication(TOO_WEAK, acr_values=needed, detail=f"needs {needed}")


def _needed_values(tenant: TenantSnapshot, token: AcceptedToken) -> list[str]:
    held = [tenant.scopes[name] for name in token.scopes if name in tenant.scopes]
    ours = [scope for scope in held if tenant.apis[scope.api_id].built_in]
    return [scope.min_acr for scope in ours if scope.min_acr]
