"""GraphQL over the users of a tenant: bearer only, POST only, no cookies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tokens import error_handler
from tokens.answers import Answer
from tokens.callers import find_self
from tokens.endpoints.document_view import DocumentView
from tokens.errors import OAuthError, ServiceUnavailable
from tokens.graphql.execution import execute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON
    from tokens.endpoints.document_view import Core
    from tokens.graphql.execution import FieldError
    from tokens.parameters import EndpointRequest

OPERATION = "graphql"


def answer_query(request: EndpointRequest) -> Answer:
    """Say who asks, execute the document, and answer what its fields resolved to.

    Raises:
        QueryRefused: the document is malformed or beyond a limit.
    """
    caller = find_self(request)
    executed = execute(request, caller)
    body: dict[str, JSON] = {"data": dict(executed.answer) if executed.answer else None}
    if executed.errors:
        body["errors"] = [_refuse_field(found, request) for found in executed.errors]
    return Answer(body)


def _refuse_field(found: FieldError, request: EndpointRequest) -> JSON:
    """Record a refused field, and describe it; what is no refusal ends the request.

    Raises:
        ServiceUnavailable: the caller should try again.
    """
    if isinstance(found.error, ServiceUnavailable) or not isinstance(found.error, OAuthError):
        raise found.error
    error_handler.record_refusal(found.error, request, operation=OPERATION)
    return {**error_handler.describe_for_graphql(found.error), "path": [*found.path]}


class GraphQLView(DocumentView):
    """`/graphql`."""

    operation: ClassVar[str] = OPERATION
    http_method_names = ["post", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"POST": answer_query}

    def refuse(self, error: Exception, request: EndpointRequest) -> Answer:
        """Refuse in GraphQL's form, with the status and headers of every endpoint."""
        answer = super().refuse(error, request)
        return replace(answer, body={"errors": [error_handler.describe_for_graphql(error)]})
