"""The problems that the management API answers with. Source: RFC 9457."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Errors = Mapping[str, list[str]]

DOCUMENTATION: Final = "/docs/api.md"
MEDIA_TYPE: Final = "application/problem+json"
NO_ERRORS: Final[Errors] = MappingProxyType({})
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its code never changes, its title is for people."""

    code: str
    status: HTTPStatus
    title: str

    @property
    def uri(self) -> str:
        """Where the documentation explains it. Source: RFC 9457 section 3.1.1."""
        return f"{DOCUMENTATION}#{self.code}"


MALFORMED_REQUEST: Final = ProblemType(
    "malformed_request", HTTPStatus.BAD_REQUEST, "The request can't be read"
)
INVALID_PARAMETER: Final = ProblemType(
    "invalid_parameter", HTTPStatus.BAD_REQUEST, "A query parameter is wrong"
)
AUTHENTICATION_REQUIRED: Final = ProblemType(
    "authentication_required", HTTPStatus.UNAUTHORIZED, "A bearer token is missing"
)
INVALID_TOKEN: Final = ProblemType(
    "invalid_token", HTTPStatus.UNAUTHORIZED, "The bearer token is not good here"
)
INSUFFICIENT_SCOPE: Final = ProblemType(
    "insufficient_scope", HTTPStatus.FORBIDDEN, "The token lacks a scope"
)
FORBIDDEN: Final = ProblemType("forbidden", HTTPStatus.FORBIDDEN, "The client may not do this")
NOT_FOUND: Final = ProblemType("not_found", HTTPStatus.NOT_FOUND, "There is nothing here")
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The resource has no such method"
)
NOT_ACCEPTABLE: Final = ProblemType(
    "not_acceptable", HTTPStatus.NOT_ACCEPTABLE, "The answer exists as JSON only"
)
CONFLICT: Final = ProblemType("conflict", HTTPStatus.CONFLICT, "The state of things forbids this")
PRECONDITION_FAILED: Final = ProblemType(
    "precondition_failed", HTTPStatus.PRECONDITION_FAILED, "The resource has changed meanwhile"
)
CONTENT_TOO_LARGE: Final = ProblemType(
    "content_too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"
)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType(
    "unsupported_media_type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not JSON"
)
INVALID_ENTITY: Final = ProblemType(
    "invalid_entity", HTTPStatus.UNPROCESSABLE_ENTITY, "A member has a wrong value"
)
PRECONDITION_REQUIRED: Final = ProblemType(
    "precondition_required", HTTPStatus.PRECONDITION_REQUIRED, "If-Match is missing"
)
RATE_LIMITED: Final = ProblemType(
    "rate_limited", HTTPStatus.TOO_MANY_REQUESTS, "The caller sends too many requests"
)
SERVER_ERROR: Final = ProblemType(
    "server_error", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here"
)
TEMPORARILY_UNAVAILABLE: Final = ProblemType(
    "temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a moment"
)
ALL: Final = (
    MALFORMED_REQUEST,
    INVALID_PARAMETER,
    AUTHENTICATION_REQUIRED,
    INVALID_TOKEN,
    INSUFFICIENT_SCOPE,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    CONFLICT,
    PRECONDITION_FAILED,
    CONTENT_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_ENTITY,
    PRECONDITION_REQUIRED,
    RATE_LIMITED,
    SERVER_ERROR,
    TEMPORARILY_UNAVAILABLE,
)


class Problem(Exception):
    """A request ends with a problem; `detail` and `errors` are public, and so are the headers."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: Errors = NO_ERRORS,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """Keep the kind, what to do about it, and the wrong members by name."""
        super().__init__(f"{kind.code}: {detail}")
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers
