"""What the limits cost a request that is far from all of them: microseconds, and no statement."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tenants import snapshot
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.limits import shared_store
from tests.oauth_client import OAuthClient
from tokens import limits

if TYPE_CHECKING:
    from pytest_django.fixtures import DjangoAssertNumQueries

    from tenants.records import ClientRecord, TenantSnapshot
    from tests.factories.tenants import MadeClient

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.1"
MAX_SECONDS = 3e-6
# A tracer, such as the one that measures coverage, costs many times what it watches.
PATIENCE = 1 if sys.gettrace() is None else 20
# Together less than a lease.
BATCHES, REQUESTS = 20, 50


@pytest.fixture
def service() -> MadeClient:
    tenant = make_tenant()
    make_api(tenant)
    return make_client(tenant, scopes=["read"])


@pytest.fixture
def known(service: MadeClient) -> tuple[TenantSnapshot, ClientRecord]:
    """The tenant and the client as the token path has them."""
    tenant = snapshot.CURRENT.tenant(service.client.tenant.path)
    assert tenant is not None
    client = snapshot.CURRENT.client(tenant, service.client_id)
    assert client is not None
    return tenant, client


def admit(tenant: TenantSnapshot, client: ClientRecord, times: int) -> float:
    """Ask all that a request for a token asks; answer the seconds of one request."""
    began = time.thread_time()
    for _ in range(times):
        limits.admit_address(tenant, ADDRESS)
        limits.admit_attempt(tenant, client.client_id, ADDRESS)
        limits.admit_client(tenant, client, ADDRESS)
    return (time.thread_time() - began) / times


@pytest.mark.parametrize(
    "failures", [pytest.param(0, id="nobody failed"), pytest.param(3, id="somebody else failed")]
)
def test_all_checks_of_a_request_cost_three_microseconds_at_most(
    failures: int, known: tuple[TenantSnapshot, ClientRecord]
) -> None:
    tenant, client = known
    for _ in range(failures):
        limits.count_failure(tenant, "another", ADDRESS)
    # The fastest batch is the one that nobody else has disturbed.
    fastest = min(admit(tenant, client, REQUESTS) for _ in range(BATCHES))
    assert fastest <= MAX_SECONDS * PATIENCE


def test_the_checks_ask_no_database(
    known: tuple[TenantSnapshot, ClientRecord],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        admit(*known, 1_000)
    assert shared_store() is None


def test_tokens_are_issued_without_opening_the_shared_store(service: MadeClient) -> None:
    oauth = OAuthClient(service.client.tenant)
    assert {oauth.token(service).status_code for _ in range(50)} == {200}
    assert shared_store() is None
    assert connection.connection is not None
