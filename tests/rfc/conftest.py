"""The tenant, the Api and the client with which most of these tests begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

# A conftest is read before Django is set up, so models are imported where they are used.
# ruff: noqa: PLC0415
# What the lean adapter answers is tested through it and through Django.
ANSWERED_BY_BOTH = frozenset(
    (
        "test_client_authentication",
        "test_client_credentials",
        "test_errors",
        "test_introspection",
        "test_refresh",
        "test_requests",
        "test_revocation",
        "test_scope",
    )
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of such a module once by each."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if "oauth" in metafunc.fixturenames and name in ANSWERED_BY_BOTH:
        metafunc.parametrize("oauth", ["django", "lean"], indirect=True)


@pytest.fixture
def tenant(db: None) -> Tenant:  # noqa: ARG001 - the database is open from here on.
    from tests.factories.tenants import make_tenant

    return make_tenant()


@pytest.fixture
def api(tenant: Tenant) -> Api:
    """An Api `orders` with the scopes `read` and `write`."""
    from tests.factories.tenants import make_api

    return make_api(tenant)


@pytest.fixture
def oauth(request: pytest.FixtureRequest, tenant: Tenant) -> OAuthClient:
    from tests.lean_handler import LeanHandler
    from tests.oauth_client import OAuthClient

    client = OAuthClient(tenant)
    if getattr(request, "param", "") == "lean":
        client.http.handler = LeanHandler(enforce_csrf_checks=False)
    return client


@pytest.fixture
def service(api: Api) -> MadeClient:
    """A client that may read and write, and reads where it asks for nothing in particular."""
    from tests.factories.tenants import make_client

    return make_client(api.tenant, scopes=["read", "write"], default_scopes=["read"])


@pytest.fixture
def refresher(api: Api) -> MadeClient:
    """A client whose tokens come with a refresh token."""
    from tests.factories.tenants import make_client

    return make_client(
        api.tenant,
        "refresher",
        scopes=["read", "write"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )


@pytest.fixture
def gateway(tenant: Tenant, api: Api) -> MadeClient:
    """The resource server of the Api, which may introspect its tokens."""
    from tenants.records import SYSTEM
    from tenants.services import changes
    from tests.factories.tenants import make_client

    made = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [made.client]})
    return made
