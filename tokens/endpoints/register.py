"""Where clients register, and manage themselves. Source: RFC 7591 section 3, RFC 7592 section 2."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

from tokens import client_registration
from tokens.answers import NO_STORE, Answer
from tokens.endpoints.document_view import DocumentView
from tokens.endpoints.view import write_answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tenants.records import TenantSnapshot
    from tokens.endpoints.document_view import Core
    from tokens.parameters import EndpointRequest

OFF: Final = "off"


def register(request: EndpointRequest) -> Answer:
    """Register a client."""
    return Answer(client_registration.register(request), HTTPStatus.CREATED)


def read(request: EndpointRequest) -> Answer:
    """Describe a client to itself."""
    return Answer(client_registration.read(request))


def update(request: EndpointRequest) -> Answer:
    """Replace a client's metadata."""
    return Answer(client_registration.update(request))


def remove(request: EndpointRequest) -> Answer:
    """Delete a client."""
    client_registration.remove(request)
    return Answer(None, HTTPStatus.NO_CONTENT, NO_STORE)


class RegisterView(DocumentView):
    """`/oauth/register`."""

    operation: ClassVar[str] = "register"
    http_method_names = ["post", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"POST": register}

    def is_served(self, tenant: TenantSnapshot) -> bool:
        """Say whether the tenant lets clients register."""
        return tenant.registration.registration != OFF


class RegistrationView(DocumentView):
    """`/oauth/register/{registration}`; it serves who has registered, whatever holds today."""

    operation: ClassVar[str] = "register"
    http_method_names = ["get", "put", "delete", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": read, "PUT": update, "DELETE": remove}

    def put(self, request: HttpRequest, issuer: str, **_path: UUID) -> HttpResponse:
        """Read the request, call the core, write the answer."""
        return write_answer(self.answer_http(request, issuer))
