"""Tests of what all endpoints share."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.http.request import UnreadablePostError
from django.test import RequestFactory

from tests.factories.tenants import make_tenant
from tests.oauth_client import FORM
from tokens.answers import Answer
from tokens.endpoints.view import EndpointView, write_answer

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.models import Tenant
    from tokens.parameters import EndpointRequest

pytestmark = pytest.mark.django_db

FACTORY = RequestFactory()


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


class Echo(EndpointView):
    """Answers what it was asked."""

    def answer(self, request: EndpointRequest) -> Answer:
        return Answer({"text": request.parameters.get("text"), "agent": request.user_agent})


class Faulty(EndpointView):
    """Fails as its class says."""

    error: Exception = RuntimeError("a fault of ours")

    def answer(self, _request: EndpointRequest) -> Answer:
        raise self.error


class Away(Faulty):
    error = OperationalError("the database is away")


def _post(view: type[EndpointView], tenant: Tenant, body: str = "text=a%20b") -> HttpResponse:
    request = FACTORY.post("/", body, content_type=FORM, HTTP_USER_AGENT="x" * 500)
    response: HttpResponse = view.as_view()(request, issuer=tenant.path)
    return response


def test_a_request_reaches_the_core_and_its_answer_the_caller(tenant: Tenant) -> None:
    response = _post(Echo, tenant)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert b'"text":"a b"' in response.content
    assert response.content.count(b"x") == 201  # of them one in "text".


def test_a_fault_is_told_without_its_reason(tenant: Tenant) -> None:
    response = _post(Faulty, tenant)
    assert response.status_code == 500
    assert b"fault" not in response.content
    assert response["Cache-Control"] == "no-store"


def test_an_absent_database_is_a_503(tenant: Tenant) -> None:
    response = _post(Away, tenant)
    assert (response.status_code, response["Retry-After"]) == (503, "1")


def test_a_caller_that_goes_away_is_no_fault(tenant: Tenant) -> None:
    class Gone(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise UnreadablePostError

    request: HttpRequest = FACTORY.post("/", "text=a", content_type=FORM)
    request._stream = Gone()  # noqa: SLF001 - what a server hands in.
    response = Echo.as_view()(request, issuer=tenant.path)
    assert response.status_code == 400


def test_a_token_in_the_query_is_refused(tenant: Tenant) -> None:
    request = FACTORY.post("/?access_token=x", "text=a", content_type=FORM)
    assert Echo.as_view()(request, issuer=tenant.path).status_code == 400


def test_the_methods_are_named(tenant: Tenant) -> None:
    options = Echo.as_view()(FACTORY.options("/"), issuer=tenant.path)
    assert (options.status_code, options["Allow"]) == (204, "POST, OPTIONS")
    refused = Echo.as_view()(FACTORY.get("/"), issuer=tenant.path)
    assert (refused.status_code, refused["Allow"]) == (405, "POST, OPTIONS")


def test_an_answer_without_body_has_no_type() -> None:
    response = write_answer(Answer(None, 204))
    assert "Content-Type" not in response
    assert response.content == b""


class Facts(EndpointView):
    """Answers what policies may read of the request."""

    def answer(self, request: EndpointRequest) -> Answer:
        return Answer({"method": request.method, "headers": dict(request.headers)})


def test_only_listed_headers_reach_the_core_and_each_is_bounded(tenant: Tenant) -> None:
    request = FACTORY.post(
        "/",
        "text=a",
        content_type=FORM,
        HTTP_USER_AGENT="curl",
        HTTP_ACCEPT_LANGUAGE="x" * 500,
        HTTP_COOKIE="secret=1",
        HTTP_X_API_KEY="secret",
        HTTP_ORIGIN="",
    )
    response = Facts.as_view()(request, issuer=tenant.path)
    facts = json.loads(response.content)
    assert facts["method"] == "POST"
    assert facts["headers"] == {
        "accept-language": "x" * 200,
        "content-type": FORM,
        "user-agent": "curl",
    }
