"""The base of the endpoints that take and give JSON documents by several methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from tokens.endpoints import cross_origin
from tokens.endpoints.view import EndpointView, write_answer
from tokens.errors import UnsupportedMediaType
from tokens.parameters import JSON_TYPE, Parameters, read_document, read_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

    from tenants.records import TenantSnapshot
    from tokens.answers import Answer
    from tokens.endpoints.view import HTTPRequest
    from tokens.parameters import EndpointRequest

    Core = Callable[[EndpointRequest], Answer]

WITH_BODY = frozenset(("POST", "PUT"))


class DocumentView(EndpointView):
    """An endpoint with one core for each method; the path's ids are parameters like others."""

    cores: ClassVar[Mapping[str, Core]] = {}
    is_cross_origin: ClassVar[bool] = True

    def get(self, request: HttpRequest, issuer: str, **_path: UUID) -> HttpResponse:
        """Read the request, call the core, write the answer."""
        return write_answer(self.answer_http(request, issuer))

    def delete(self, request: HttpRequest, issuer: str, **_path: UUID) -> HttpResponse:
        """Read the request, call the core, write the answer."""
        return write_answer(self.answer_http(request, issuer))

    def post(  # type: ignore[override]  # an Api is never a part of these paths.
        self, request: HttpRequest, issuer: str, **_path: UUID
    ) -> HttpResponse:
        """Read the request, call the core, write the answer."""
        return write_answer(self.answer_http(request, issuer))

    def read_parameters(
        self, body: bytes, content_type: str, _tenant: TenantSnapshot
    ) -> Parameters:
        """Read the query and, where the method has one, the body: a JSON object.

        Raises:
            UnsupportedMediaType: the body is something else.
        """
        query = read_form(self.request.META.get("QUERY_STRING", "").encode("latin-1"))
        path = {name: (str(v),) for name, v in self.kwargs.items() if isinstance(v, UUID)}
        values = {**query.values, **path}
        if self.request.method not in WITH_BODY or not body:
            return Parameters(values)
        if content_type.partition(";")[0].strip().lower() != JSON_TYPE:
            raise UnsupportedMediaType(f"Send the body as {JSON_TYPE}.")
        return Parameters(values, read_document(body))

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the method's core."""
        return self.cores[request.method](request)

    def allow_origin(self, request: HTTPRequest, read: EndpointRequest, answer: Answer) -> Answer:
        """Let the origins of the tenant's clients and master tokens read the answer."""
        return cross_origin.allow_listed_origin(request, read, answer)
