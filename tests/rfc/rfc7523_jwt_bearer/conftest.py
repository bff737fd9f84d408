"""The client that swaps assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.models import Api
    from tests.factories.tenants import MadeClient
    from tests.rfc.introspecting_issuer import Issuer

# A conftest is read before Django is set up, so models are imported where they are used.
# ruff: noqa: PLC0415


@pytest.fixture
def app(api: Api) -> MadeClient:
    """A public client that swaps assertions."""
    from tests.factories.tenants import make_client
    from tests.rfc.signers import GRANT

    return make_client(
        api.tenant,
        "app",
        kind="spa",
        scopes=["read", "write"],
        grant_types=[GRANT, "refresh_token"],
        token_endpoint_auth_method="none",
    )


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    """An outside issuer of opaque tokens, at an address that the operator allows."""
    from tests.rfc.introspecting_issuer import serve_issuer

    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_issuer()
