"""The device and the person with which these tests begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tenants.models import Api
    from tests.browser_person import Person
    from tests.devices import Device

# A conftest is read before Django is set up, so factories are imported where they are used.
# ruff: noqa: PLC0415


@pytest.fixture
def device(api: Api) -> Device:
    """A device that has begun: it asks for `openid read`."""
    from tests.devices import make_device

    made = make_device(api.tenant)
    made.begin(scope="openid read")
    return made


@pytest.fixture
def person(api: Api) -> Person:
    """Ana, who has signed in in a browser."""
    from tests.devices import make_person

    return make_person(api.tenant)
