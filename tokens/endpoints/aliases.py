"""The token endpoint as callers of Space Blocks and Aidbox know it; a switch per tenant, off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tokens.answers import Answer
from tokens.endpoints.session import SessionView
from tokens.endpoints.token import TokenView, answer_token_request
from tokens.errors import IssuerNotFound, UnauthorizedClient
from tokens.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from tenants.records import TenantSnapshot
    from tokens.parameters import EndpointRequest


def answer_spaceblocks_request(request: EndpointRequest) -> Answer:
    """Answer a request without `grant_type`, which Space Blocks does not send."""
    if not request.tenant.allow_spaceblocks_alias:
        raise IssuerNotFound("No such endpoint.")
    if request.parameters.get("app_tenant_id") or request.parameters.get("app_subject_id"):
        raise UnauthorizedClient("This client may not act for a subject of its application.")
    values = {"grant_type": ("client_credentials",), **request.parameters.values}
    return answer_token_request(replace(request, parameters=Parameters(values)))


def answer_aidbox_request(request: EndpointRequest) -> Answer:
    """Answer like the token endpoint, under Aidbox's address."""
    if not request.tenant.allow_aidbox_alias:
        raise IssuerNotFound("No such endpoint.")
    return answer_token_request(request)


class SpaceBlocksTokenView(TokenView):
    """`/token-manager/token`: JSON or form; an `apiKey` header is ignored."""

    core = staticmethod(answer_spaceblocks_request)
    allows_json: ClassVar[Callable[[TenantSnapshot], bool]] = staticmethod(
        lambda tenant: tenant.allow_spaceblocks_alias
    )


class AidboxTokenView(TokenView):
    """`/auth/token`: JSON or form."""

    core = staticmethod(answer_aidbox_request)
    allows_json: ClassVar[Callable[[TenantSnapshot], bool]] = staticmethod(
        lambda tenant: tenant.allow_aidbox_alias
    )


class AidboxSessionView(SessionView):
    """`/Session`: the same as `/session`."""

    def delete(self, request: HttpRequest, issuer: str, api: str = "") -> HttpResponse:
        """End the session, where the tenant serves this address."""
        return self._answer_if_allowed(request, issuer)
