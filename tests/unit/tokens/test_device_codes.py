"""How a device's codes are made, and found by the one that it holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tests.devices import make_device
from tests.factories.tenants import make_api, make_tenant
from tokens import device_codes
from tokens.device_codes import NewDevice

if TYPE_CHECKING:
    from pytest_django import Settings
    from pytest_django.fixtures import DjangoAssertNumQueries

    from tests.devices import Device


@pytest.fixture
def device(db: None) -> Device:  # noqa: ARG001 - the database is open from here on.
    tenant = make_tenant()
    make_api(tenant)
    made = make_device(tenant)
    made.begin(scope="read")
    return made


def test_making_and_polling_are_one_statement_each(
    device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    core = snapshot.CURRENT.tenant(device.tenant.path)
    assert core is not None
    client = snapshot.CURRENT.client(core, "tv")
    assert client is not None
    asked = NewDevice(client.id, "", ("read",), (), "192.0.2.1", "a\x00b" * 200, 0)
    with django_assert_num_queries(1):
        made = device_codes.make_codes(core, asked, now=time.time())
    with django_assert_num_queries(1):
        polled = device_codes.poll(core.id, client, made.device_code, now=time.time())
    assert polled is not None
    assert (polled.status, polled.subject, polled.authentication) == ("pending", None, None)
    assert made.device_code not in repr(made)


def test_code_outlives_a_change_of_pepper(device: Device, settings: Settings) -> None:
    settings.TENANTS_TOKEN_PEPPERS = {"newer": b"n" * 32, **settings.TENANTS_TOKEN_PEPPERS}
    assert device.poll().json()["error"] == "authorization_pending"
