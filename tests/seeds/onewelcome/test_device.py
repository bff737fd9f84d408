"""OneWelcome: a device without a keyboard asks its owner for access on another one's browser."""

from __future__ import annotations

import pytest

from tests.devices import allow, make_device, make_person
from tests.factories.master_tokens import make_application

pytestmark = pytest.mark.django_db


def test_owner_types_the_code_and_the_device_goes_on_by_itself() -> None:
    tenant = make_application().tenant
    scopes = ["openid", "offline_access", "read:accounts"]
    device = make_device(tenant, scopes=scopes, default_scopes=[])
    begun = device.begin(scope="openid read:accounts offline_access")
    assert begun.json()["verification_uri"].endswith("/device")
    assert device.poll().json()["error"] == "authorization_pending"
    person = make_person(tenant)
    assert "Your device is connected" in allow(person, device).content.decode()
    device.wait()
    tokens = device.poll().json()
    assert {"access_token", "refresh_token", "id_token"} <= tokens.keys()
    assert "Living room TV" in person.open("/account").content.decode()
