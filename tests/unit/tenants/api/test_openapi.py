from pathlib import Path

import pytest
from django.test import Client as HttpClient
from django.urls import URLPattern

from tenants.api.openapi import build_document, write_yaml
from tenants.api.view import METHODS, TenantView
from tenants.urls import urlpatterns

PUBLISHED = Path(__file__).parents[4] / "docs" / "openapi.yaml"


def test_the_published_description_is_what_the_code_says() -> None:
    hint = "run: manage.py spectacular --file docs/openapi.yaml"
    assert PUBLISHED.read_text() == write_yaml(), hint


def test_the_schema_is_public_json() -> None:
    response = HttpClient().get("/api/v1/schema/")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json()["paths"].keys() == build_document()["paths"].keys()


def test_every_operation_of_a_tenant_is_described_with_its_problems() -> None:
    views = [pattern for pattern in urlpatterns if _is_of_tenant(pattern)]
    paths = build_document()["paths"]
    assert len(paths) == len(views) == 24
    for operations in paths.values():
        for operation in operations.values():
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()
            assert operation["security"] == [{"managementToken": []}]


def test_every_method_of_a_tenants_view_runs_in_the_console() -> None:
    views = [_view_class(pattern) for pattern in urlpatterns if _is_of_tenant(pattern)]
    methods = [getattr(view, name) for view in views for name in METHODS if name in vars(view)]
    assert len(methods) == 52
    assert all(hasattr(method, "__wrapped__") for method in methods)


def _is_of_tenant(pattern: URLPattern) -> bool:
    return issubclass(_view_class(pattern), TenantView)


def _view_class(pattern: URLPattern) -> type:
    view: type = getattr(pattern.callback, "view_class", object)
    return view


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["", "clients", "schema", "tenants/a/b", "tenants/a/b/c/%00"])
def test_an_unknown_path_is_a_problem_document(method: str, path: str) -> None:
    response = HttpClient(raise_request_exception=False).generic(method, f"/api/v1/{path}")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"
    assert response.json()["instance"].endswith(response["X-Request-Id"])
