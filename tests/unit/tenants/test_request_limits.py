"""The most specific limit holds, cut by every ceiling; files and snapshots carry it."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.effective_settings import (
    ADDRESS_REQUEST_BURST,
    ADDRESS_REQUESTS_PER_MINUTE,
    CLIENT_REQUEST_BURST,
    CLIENT_REQUESTS_PER_MINUTE,
    resolve_address_rate,
    resolve_client_rate,
)
from tenants.queries.client_core import read_client
from tenants.queries.tenant_core import build_limits, read_core
from tenants.records import Rate, RequestLimits
from tests.factories.records import make_client, make_tenant
from tests.unit.tenants.configuration.files import apply, tenant

NOTHING = RequestLimits()
# In the order of a snapshot: platform, environment, tenant.
LEVELS = {
    "nothing is said": ((NOTHING, NOTHING, NOTHING), NOTHING, Rate(10_000.0, 20_000)),
    "the platform says it": (
        (RequestLimits(client_requests_per_minute=60, client_request_burst=5), NOTHING, NOTHING),
        NOTHING,
        Rate(1.0, 5),
    ),
    "the tenant says it": (
        (RequestLimits(60), NOTHING, RequestLimits(client_requests_per_minute=120)),
        NOTHING,
        Rate(2.0, 20_000),
    ),
    "the client says it": (
        (NOTHING, NOTHING, RequestLimits(client_requests_per_minute=120)),
        RequestLimits(client_requests_per_minute=180, client_request_burst=9),
        Rate(3.0, 9),
    ),
    "a ceiling cuts it": (
        (RequestLimits(max_client_requests_per_minute=60), NOTHING, NOTHING),
        RequestLimits(client_requests_per_minute=180),
        Rate(1.0, 20_000),
    ),
    "the lowest ceiling cuts it": (
        (
            RequestLimits(max_client_request_burst=8),
            RequestLimits(max_client_request_burst=3),
            RequestLimits(max_client_request_burst=5),
        ),
        NOTHING,
        Rate(10_000.0, 3),
    ),
}


@pytest.mark.parametrize("name", LEVELS)
def test_the_most_specific_limit_holds_below_every_ceiling(name: str) -> None:
    levels, own, rate = LEVELS[name]
    assert resolve_client_rate(make_tenant(limit_levels=levels), make_client(limits=own)) == rate


def test_addresses_have_limits_of_their_own() -> None:
    levels = (
        RequestLimits(max_address_requests_per_minute=30),
        NOTHING,
        RequestLimits(address_requests_per_minute=60, address_request_burst=7),
    )
    assert resolve_address_rate(make_tenant(limit_levels=levels)) == Rate(0.5, 7)


def test_what_ships_lets_a_busy_service_pass() -> None:
    bare = make_tenant()
    assert resolve_client_rate(bare, None) == Rate(
        CLIENT_REQUESTS_PER_MINUTE / 60, CLIENT_REQUEST_BURST
    )
    assert resolve_address_rate(bare) == Rate(
        ADDRESS_REQUESTS_PER_MINUTE / 60, ADDRESS_REQUEST_BURST
    )
    assert resolve_client_rate(bare, None).per_second >= 10_000


def test_a_state_of_before_there_were_limits_says_nothing() -> None:
    assert build_limits({"slug": "old"}) == NOTHING


@pytest.mark.django_db
def test_a_file_says_the_limits_and_the_snapshot_has_them() -> None:
    text = tenant(
        """\
        client_requests_per_minute: 600
        max_client_request_burst: 50
        address_request_burst: 70
        clients:
        - client_id: worker
          client_requests_per_minute: 300
        """
    )
    apply(text)
    assert apply(text) == []
    core = read_core("acme/production/globex", base_url="")
    assert core is not None
    client = read_client(core.id, "worker")
    assert client is not None
    assert resolve_client_rate(core, client) == Rate(5.0, 50)
    assert resolve_client_rate(core, None) == Rate(10.0, 50)
    assert resolve_address_rate(core).burst == 70
    assert "client_requests_per_minute: 300" in export()
