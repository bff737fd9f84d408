import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, TooManyFieldsSent
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.request import Request

from tenants.api import problems
from tenants.api.error_handler import answer_error, find_problem
from tenants.api.problems import Problem
from tenants.errors import (
    Conflict,
    CredentialCheckBusy,
    Forbidden,
    InvalidEntity,
    NotFound,
    SnapshotUnconfirmed,
)

DOCUMENTATION = Path(__file__).parents[4] / problems.DOCUMENTATION.lstrip("/")
CODES = {
    InvalidEntity({"client_id": ["Taken."]}): "invalid_entity",
    Conflict("in use"): "conflict",
    Forbidden("owners only"): "forbidden",
    NotFound("no such client"): "not_found",
    SnapshotUnconfirmed("6 seconds"): "temporarily_unavailable",
    CredentialCheckBusy("busy"): "temporarily_unavailable",
    OperationalError("gone"): "temporarily_unavailable",
    InterfaceError("closed"): "temporarily_unavailable",
    IntegrityError("a key"): "conflict",
    DataError("invalid byte sequence"): "malformed_request",
    Http404(): "not_found",
    PermissionDenied(): "forbidden",
    TooManyFieldsSent(): "malformed_request",
    UnreadablePostError("gone away"): "malformed_request",
    exceptions.ParseError(): "malformed_request",
    exceptions.MethodNotAllowed("PUT"): "method_not_allowed",
    exceptions.NotAcceptable(): "not_acceptable",
    exceptions.UnsupportedMediaType("text/plain"): "unsupported_media_type",
    exceptions.NotFound(): "not_found",
    exceptions.ValidationError({"kind": ["Wrong."]}): "invalid_entity",
    exceptions.Throttled(): "server_error",
    ZeroDivisionError(): "server_error",
}


@pytest.mark.parametrize(
    ("error", "code"), CODES.items(), ids=[type(error).__name__ for error in CODES]
)
def test_every_error_has_its_problem(error: Exception, code: str) -> None:
    assert find_problem(error).kind.code == code


def test_a_problem_document_has_every_member() -> None:
    request = RequestFactory().get("/")
    request.META["authplatform.request_id"] = "5788f48f"
    error = InvalidEntity({"kind": ["Choose one."], "__all__": ["It exists already."]})
    response = answer_error(error, {"request": Request(request)})
    assert response.content_type == "application/problem+json"
    assert response.status_code == 422
    assert response.data == {
        "type": "/docs/api.md#invalid_entity",
        "title": "A member has a wrong value",
        "status": 422,
        "detail": "It exists already. Correct the members that `errors` names.",
        "code": "invalid_entity",
        "instance": "urn:authplatform:request:5788f48f",
        "errors": {"kind": ["Choose one."]},
    }


def test_an_unexpected_error_tells_nothing_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = Request(RequestFactory().get("/"))
    response = answer_error(ZeroDivisionError("the secret of the day"), {"request": request})
    assert response.status_code == 500
    assert "the secret of the day" not in str(response.data)
    assert caplog.records[-1].exc_info is not None


def test_a_service_that_is_away_says_when_to_try_again() -> None:
    assert find_problem(OperationalError()).headers == {"Retry-After": "1"}


def test_nested_mistakes_are_named_by_their_path() -> None:
    detail: dict[str, Any] = {
        "grant_types": {1: ["No such grant."]},
        "items": [{}, {"kind": ["Wrong."]}],
    }
    problem = find_problem(exceptions.ValidationError(detail))
    assert problem.errors == {
        "grant_types.1": ["No such grant."],
        "items.1.kind": ["Wrong."],
    }


def test_the_documentation_explains_exactly_these_problems() -> None:
    headings = re.findall(r"^### `(\w+)`$", DOCUMENTATION.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(kind.code for kind in problems.ALL)
    assert {kind.uri for kind in problems.ALL} == {f"/docs/api.md#{code}" for code in headings}


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in problems.ALL}) == len(problems.ALL)
    assert str(Problem(problems.CONFLICT, "No.")) == "conflict: No."
