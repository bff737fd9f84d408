"""The token endpoint as callers of Space Blocks and Aidbox know it; a switch per tenant, off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tokens.endpoints.session import SessionView
from tokens.endpoints.token import TokenView, answer_token_request
from tokens.parameters import Parameters

if TYPE_CHECKING:
    from tenants.records import TenantSnapshot
    from tokens.answers import Answer
    from tokens.parameters import EndpointRequest


def answer_spaceblocks_request(request: EndpointRequest) -> Answer:
    """Answer a request without `grant_type`, which Space Blocks does not send."""
    parameters = request.parameters
    if not parameters.get("grant_type"):
        values = {**parameters.values, "grant_type": ("client_credentials",)}
        request = replace(request, parameters=Parameters(values))
    return answer_token_request(request)


class SpaceBlocksTokenView(TokenView):
    """`/token-manager/token`: JSON or form; an `apiKey` header is ignored."""

    def is_served(self, tenant: TenantSnapshot) -> bool:
        """Say whether the tenant serves callers of Space Blocks."""
        return tenant.allow_spaceblocks_alias

    def allows_json(self, _tenant: TenantSnapshot) -> bool:
        """Take JSON, as these callers send it."""
        return True

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_spaceblocks_request(request)


class AidboxTokenView(TokenView):
    """`/auth/token`: like the token endpoint; JSON or form."""

    def is_served(self, tenant: TenantSnapshot) -> bool:
        """Say whether the tenant serves callers of Aidbox."""
        return tenant.allow_aidbox_alias

    def allows_json(self, _tenant: TenantSnapshot) -> bool:
        """Take JSON, as these callers send it."""
        return True


class AidboxSessionView(SessionView):
    """`/Session`: the same as `/session`."""

    def is_served(self, tenant: TenantSnapshot) -> bool:
        """Say whether the tenant serves callers of Aidbox."""
        return tenant.allow_aidbox_alias
