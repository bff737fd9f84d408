"""Reads a GraphQL request, holds it against the limits, and executes it.

Source: GraphQL over HTTP, GraphQL specification section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokens.errors import OAuthError, QueryRefused
from tokens.graphql.limits import check_document
from tokens.graphql.schema import SCHEMA, Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

    from tenants.records import JSON
    from tokens.callers import Caller
    from tokens.parameters import EndpointRequest

MAX_MESSAGE_CHARACTERS = 300
MEMBERS = frozenset(("query", "variables", "operationName", "extensions"))


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field that could not be resolved: where it stands in the answer, and why."""

    path: Sequence[str | int]
    error: Exception


@dataclass(frozen=True, slots=True)
class Executed:
    """The answer to a document, as far as its fields could be resolved."""

    answer: Mapping[str, Any] | None
    errors: Sequence[FieldError]


def execute(request: EndpointRequest, caller: Caller) -> Executed:
    """Execute the document of a request.

    Raises:
        QueryRefused: it is malformed, beyond a limit, or does not fit the schema.
    """
    query, variables, operation_name = _read(request.parameters.document)
    check_document(query, may_introspect=not caller.is_public)
    result = SCHEMA.execute_sync(
        query,
        variable_values=variables,
        context_value=Context(request, caller),
        operation_name=operation_name,
    )
    errors = result.errors or []
    if result.data is None and not any(error.path for error in errors):
        _refuse(errors)
    return Executed(result.data, [_describe(error) for error in errors])


def _read(document: Mapping[str, JSON]) -> tuple[str, dict[str, Any], str | None]:
    """Read the members of a request. Source: GraphQL over HTTP, request parameters."""
    query, variables, name = (document.get(n) for n in ("query", "variables", "operationName"))
    if (
        not isinstance(query, str)
        or not isinstance(variables, dict | None)
        or not isinstance(name, str | None)
        or not MEMBERS.issuperset(document)
    ):
        raise QueryRefused(
            "Send an object with query, and perhaps variables and operationName.",
            code="BAD_GRAPHQL_REQUEST",
        )
    return query, variables or {}, name


def _refuse(errors: Sequence[GraphQLError]) -> None:
    first = errors[0].message if errors else "nothing was executed"
    raise QueryRefused(
        f"The document does not fit the schema: {first[:MAX_MESSAGE_CHARACTERS]}",
        code="GRAPHQL_VALIDATION_FAILED",
    )


def _describe(error: GraphQLError) -> FieldError:
    original = error.original_error
    if isinstance(original, OAuthError):
        return FieldError(tuple(error.path or ()), original)
    return FieldError(tuple(error.path or ()), original or error)
