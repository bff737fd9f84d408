"""How devices are found by their codes."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.devices import make_device
from tests.factories.tenants import make_api, make_tenant
from tokens import device_approvals
from tokens.user_codes import read_code

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


def test_each_step_is_one_statement(
    device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tenant_id, code, now = device.tenant.pk, read_code(device.code), time.time()
    with django_assert_num_queries(1):
        found = device_approvals.find_waiting(tenant_id, code, now=now)
    assert found is not None
    with django_assert_num_queries(1):
        assert device_approvals.deny(tenant_id, found.id, now=now)
    assert device_approvals.find_waiting(tenant_id, code, now=now) is None
    assert not device_approvals.deny(tenant_id, found.id, now=now)


def test_codes_outlive_a_change_of_pepper(device: Device, settings: Settings) -> None:
    settings.TENANTS_TOKEN_PEPPERS = {"newer": b"n" * 32, **settings.TENANTS_TOKEN_PEPPERS}
    code = read_code(device.code)
    assert device_approvals.find_waiting(device.tenant.pk, code, now=time.time()) is not None
    assert device.poll().json()["error"] == "authorization_pending"


def test_code_is_its_tenants_own(device: Device) -> None:
    code = read_code(device.code)
    assert device_approvals.find_waiting(uuid.uuid4(), code, now=time.time()) is None
