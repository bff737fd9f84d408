"""The resource server that asks, and the fixture's policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.rfc.authzen.records import DecisionPoint

# A conftest is read before Django is set up, so models are imported where they are used.
# ruff: noqa: PLC0415


@pytest.fixture
def point(tenant: Tenant, gateway: MadeClient) -> DecisionPoint:
    """The decision point as the resource server of the Api `orders` asks it."""
    from tests.rfc.authzen.records import DecisionPoint, write_rules

    write_rules(tenant, gateway)
    return DecisionPoint(tenant, gateway)
