"""Tests of what a master token is worth, its quota, and the writing down of its use."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import snapshot
from tenants.models import MasterToken
from tenants.queries.master_tokens import find_master_token
from tests.factories.master_tokens import Application, find_by_text, make_application
from tokens import master_token_quotas, master_tokens, secret_uses
from tokens.errors import InvalidToken, QuotaExceeded
from tokens.limits.keys import name_network
from tokens.models import MasterTokenQuota
from tokens.parameters import EndpointRequest, Parameters
from tokens.purge import PURGES, purge_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db
NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAY = 86_400


@pytest.fixture(autouse=True)
def nothing_pending() -> Iterator[None]:
    secret_uses.forget()
    yield
    secret_uses.forget()


@pytest.fixture
def app() -> Application:
    return make_application()


def make_request(app: Application, now: float | None = None) -> EndpointRequest:
    core = snapshot.CURRENT.tenant(app.tenant.path)
    assert core is not None
    moment = time.time() if now is None else now
    return EndpointRequest(core, Parameters(), now=moment, cut_off_number=0, address="127.0.0.1")


def test_good_token_costs_one_statement(app: Application) -> None:
    request = make_request(app)
    with CaptureQueriesContext(connection) as statements:
        found = master_tokens.accept(request, app.private)
    assert len(statements) == 1
    assert found.client_id == "application"
    assert found.scopes == {"read:accounts", "download:documents"}
    assert not found.is_public


def test_use_is_written_down_with_the_others_in_one_statement(app: Application) -> None:
    request = make_request(app)
    master_tokens.accept(request, app.public)
    assert secret_uses.count_pending() == 1
    with CaptureQueriesContext(connection) as statements:
        assert secret_uses.flush() == 1
    assert len(statements) == 1
    used = find_by_text(app.tenant, app.public).last_used_at
    assert used is not None
    assert abs(used.timestamp() - request.now) < 1
    assert find_by_text(app.tenant, app.private).last_used_at is None


def test_refused_token_counts_as_no_use(app: Application) -> None:
    MasterToken.objects.update(is_enabled=False)
    with pytest.raises(InvalidToken):
        master_tokens.accept(make_request(app), app.public)
    assert secret_uses.count_pending() == 0


def test_token_ends_with_the_second_that_it_names(app: Application) -> None:
    expires_at = find_by_text(app.tenant, app.public).expires_at.timestamp()
    assert master_tokens.accept(make_request(app, expires_at - 0.001), app.public)
    with pytest.raises(InvalidToken):
        master_tokens.accept(make_request(app, expires_at), app.public)


@pytest.mark.parametrize(
    ("address", "network", "is_listed"),
    [
        ("198.51.100.7", "198.51.100.0/24", True),
        ("198.51.101.7", "198.51.100.0/24", False),
        ("::ffff:198.51.100.7", "198.51.100.0/24", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "198.51.100.0/24", False),
        ("", "0.0.0.0/0", False),
        ("unknown", "0.0.0.0/0", False),
    ],
)
def test_networks_hold_addresses(address: str, network: str, *, is_listed: bool) -> None:
    assert master_tokens.is_listed(address, (network,)) is is_listed


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_quota_names_who_shares_it(address: str, name: str) -> None:
    assert name_network(address) == name


def take(app: Application, address: str, now: float = NOON) -> None:
    token = find_by_text(app.tenant, app.public)
    record = find_master_token(app.tenant.pk, token.pk)
    assert record is not None
    master_token_quotas.take(app.tenant.pk, record, address, now=now)


def test_next_day_begins_at_midnight_utc(app: Application) -> None:
    MasterToken.objects.update(max_users_per_address_per_day=1)
    take(app, "198.51.100.7")
    with pytest.raises(QuotaExceeded) as refused:
        take(app, "198.51.100.7")
    assert refused.value.retry_after_seconds == DAY - int(NOON) % DAY
    take(app, "198.51.100.7", NOON + refused.value.retry_after_seconds)


def test_refused_counts_leave_no_trace(app: Application) -> None:
    MasterToken.objects.update(max_users_per_day=1)
    take(app, "198.51.100.7")
    for number in range(5):
        with pytest.raises(QuotaExceeded):
            take(app, f"203.0.113.{number}")
    rows = MasterTokenQuota.objects.order_by("address").values_list("address", "count")
    assert list(rows) == [("", 1), ("198.51.100.7", 1)]


def test_yesterdays_counts_are_purged(app: Application) -> None:
    take(app, "198.51.100.7", NOON - DAY)
    take(app, "198.51.100.7", NOON)
    (purge,) = (purge for purge in PURGES if purge.name == "master token quotas")
    assert purge_kind(purge, datetime.fromtimestamp(NOON, UTC), max_batches=2) == 2
    assert MasterTokenQuota.objects.count() == 2
