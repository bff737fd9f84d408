"""Clients that registered themselves are no configuration: files neither have nor remove them."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.models import Client
from tests.factories.tenants import make_client
from tests.registering import make_open
from tests.unit.tenants.configuration.files import apply

pytestmark = pytest.mark.django_db


def test_registered_client_is_neither_exported_nor_removed() -> None:
    somebody = make_open()
    make_client(somebody.tenant, "written")
    made = somebody.register()

    text = export()
    apply(text)

    assert "written" in text
    assert made["client_id"] not in text
    assert Client.objects.filter(client_id=made["client_id"]).exists()


def test_file_without_any_client_leaves_it_alone() -> None:
    somebody = make_open()
    made = somebody.register()
    project, environment, slug = somebody.tenant.path.split("/")
    apply(
        f"projects: [{{slug: {project}, environments: [{{slug: {environment}, "
        f"tenants: [{{slug: {slug}, clients: []}}]}}]}}]"
    )
    assert Client.objects.filter(client_id=made["client_id"]).exists()
