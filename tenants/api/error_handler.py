"""Maps every error of the management API to its problem document."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from tenants.api import problems
from tenants.api.problems import Problem
from tenants.errors import (
    Conflict,
    CredentialCheckBusy,
    Forbidden,
    InvalidEntity,
    NotFound,
    SnapshotUnconfirmed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rest_framework.request import Request

    from tenants.api.problems import Errors, ProblemType
    from tenants.records import JSON

logger = logging.getLogger(__name__)
# The request's id, as the platform's first middleware leaves it.
REQUEST_ID: Final = "authplatform.request_id"
PASSING: Final = (SnapshotUnconfirmed, CredentialCheckBusy, OperationalError, InterfaceError)
WRONG_MEMBERS: Final = "Correct the members that `errors` names."
UNAVAILABLE: Final = "The service can't answer right now; try again after a second."
UNEXPECTED: Final = "The error has been logged under `instance`."
FRAMEWORK_PROBLEMS: Final[Mapping[type[Exception], tuple[ProblemType, str]]] = {
    exceptions.ParseError: (problems.MALFORMED_REQUEST, "The body could not be read."),
    exceptions.MethodNotAllowed: (
        problems.METHOD_NOT_ALLOWED,
        "`Allow` lists the methods that there are.",
    ),
    exceptions.NotAcceptable: (problems.NOT_ACCEPTABLE, "Accept application/json."),
    exceptions.UnsupportedMediaType: (
        problems.UNSUPPORTED_MEDIA_TYPE,
        "Send the body as application/json.",
    ),
    exceptions.NotFound: (problems.NOT_FOUND, "There is no such resource."),
}
# Whoever is asked for a whole entity gets its message under no member's name.
WHOLE: Final = frozenset((NON_FIELD_ERRORS, api_settings.NON_FIELD_ERRORS_KEY))


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an error as a problem document; Django REST Framework calls it for every one."""
    problem = find_problem(error)
    if problem.kind is problems.SERVER_ERROR:
        logger.error("unexpected error", exc_info=error)
    else:
        logger.info("refused: %s", problem.kind.code)
    return write_problem(problem, context["request"])


def find_problem(error: Exception) -> Problem:
    """Find the problem that an error is for the caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, PASSING):
        return unavailable()
    if isinstance(error, exceptions.APIException):
        return _find_framework_problem(error)
    return _find_domain_problem(error) or _find_django_problem(error)


def unavailable(retry_after_seconds: int = 1) -> Problem:
    """Make the problem of a service that is away. Source: RFC 9110 section 15.6.4."""
    return Problem(
        problems.TEMPORARILY_UNAVAILABLE,
        UNAVAILABLE,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def rate_limited(detail: str, retry_after_seconds: int) -> Problem:
    """Make the problem of a caller that comes too often. Source: RFC 6585 section 4."""
    headers = {"Retry-After": str(retry_after_seconds)}
    return Problem(problems.RATE_LIMITED, detail, headers=headers)


def write_problem(problem: Problem, request: Request) -> Response:
    """Write a problem document. Source: RFC 9457 section 3."""
    document: dict[str, JSON] = {
        "type": problem.kind.uri,
        "title": problem.kind.title,
        "status": problem.kind.status.value,
        "detail": problem.detail,
        "code": problem.kind.code,
    }
    request_id = request.META.get(REQUEST_ID)
    if request_id:
        document["instance"] = f"urn:authplatform:request:{request_id}"
    if problem.errors:
        document["errors"] = {name: list(texts) for name, texts in problem.errors.items()}
    return Response(
        document,
        status=problem.kind.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=problems.MEDIA_TYPE,
    )


def _find_domain_problem(error: Exception) -> Problem | None:
    match error:
        case InvalidEntity():
            return _wrong_members(error.messages)
        case Conflict():
            return Problem(problems.CONFLICT, str(error))
        case Forbidden():
            return Problem(problems.FORBIDDEN, str(error))
        case NotFound():
            return Problem(problems.NOT_FOUND, "There is no such resource in this tenant.")
        case _:
            return None


def _find_django_problem(error: Exception) -> Problem:
    match error:
        case IntegrityError():
            text = "Another write came in between; read the resource again and repeat yours."
            return Problem(problems.CONFLICT, text)
        case DataError():
            # Validation should have refused it first, hence the log line.
            logger.warning("the database refused a value", exc_info=error)
            return Problem(problems.MALFORMED_REQUEST, "A value can't be stored.")
        case Http404():
            return Problem(problems.NOT_FOUND, "There is no such resource.")
        case PermissionDenied():
            return Problem(problems.FORBIDDEN, "The client may not do this.")
        case SuspiciousOperation() | UnreadablePostError():
            return Problem(problems.MALFORMED_REQUEST, "The request could not be read.")
        case _:
            return Problem(problems.SERVER_ERROR, UNEXPECTED)


def _find_framework_problem(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return _wrong_members(dict(_flatten(error.detail)))
    for kind, (problem, detail) in FRAMEWORK_PROBLEMS.items():
        if isinstance(error, kind):
            return Problem(problem, detail)
    return Problem(problems.SERVER_ERROR, UNEXPECTED)


def _wrong_members(messages: Errors) -> Problem:
    whole = [text for name in WHOLE for text in messages.get(name, ())]
    errors = {name: texts for name, texts in messages.items() if name not in WHOLE}
    detail = " ".join([*whole, WRONG_MEMBERS] if errors else whole)
    return Problem(problems.INVALID_ENTITY, detail, errors=errors)


def _flatten(detail: object, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Name each wrong value by its path, as in `grant_types.0`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, inner in enumerate(detail):
            yield from _flatten(inner, f"{path}.{index}")
    elif detail:
        texts = detail if isinstance(detail, list) else [detail]
        yield path or NON_FIELD_ERRORS, [str(text) for text in texts]
