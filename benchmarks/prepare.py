"""Fills the platform's database for the benchmark and prints what the load needs, as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import django
from django.test import Client as HttpClient

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient


def main(chains: int) -> None:
    """Make a tenant with a client of each kind, and the first tokens; `chains` may be refreshed."""
    django.setup()
    from tests.factories import tenants as factories  # noqa: PLC0415 - after the set-up.
    from tests.oauth_client import OAuthClient  # noqa: PLC0415 - after the set-up.

    tenant = factories.make_tenant("bench")
    clients = _make_clients(tenant)
    oauth = OAuthClient(tenant)
    oauth.http = HttpClient(headers={"host": "127.0.0.1"})
    tokens = {kind: oauth.token(made).json() for kind, made in clients.items()}
    facts = {
        "tenant_id": str(tenant.id),
        "token_path": f"{oauth.base}/oauth/token",
        "introspection_path": f"{oauth.base}/oauth/introspect",
        "clients": {kind: [made.client_id, made.secret] for kind, made in clients.items()},
        "client_ids": {kind: str(made.client.id) for kind, made in clients.items()},
        "scopes": {kind: token["scope"] for kind, token in tokens.items()},
        "access_tokens": {kind: token["access_token"] for kind, token in tokens.items()},
        "refresh_tokens": {
            "refresh": [
                oauth.token(clients["refresh"]).json()["refresh_token"] for _ in range(chains)
            ]
        },
    }
    json.dump(facts, sys.stdout)


def _make_clients(tenant: Tenant) -> dict[str, MadeClient]:
    from tenants.records import TokenFormat  # noqa: PLC0415 - the same.
    from tests.factories import tenants as factories  # noqa: PLC0415 - after the set-up.

    factories.make_api(tenant)
    factories.make_api(tenant, "ledger", scopes=["book"], signing_algorithm="RS256")
    return {
        "jwt": factories.make_client(tenant, "jwt", scopes=["read"]),
        "opaque": factories.make_client(
            tenant, "opaque", scopes=["read"], access_token_format=TokenFormat.OPAQUE
        ),
        "rs256": factories.make_client(tenant, "rs256", scopes=["book"]),
        "refresh": factories.make_client(
            tenant,
            "refreshing",
            scopes=["read"],
            grant_types=["client_credentials", "refresh_token"],
            refresh_token_enabled=True,
        ),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
