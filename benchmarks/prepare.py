"""Fills the platform's database for the benchmark and prints what the load needs, as JSON."""

from __future__ import annotations

import json
import sys

import django
from django.test import Client as HttpClient


def main(chains: int) -> None:
    """Make a tenant with two Apis and two clients, and the first tokens."""
    django.setup()
    from tests.factories import tenants as factories  # noqa: PLC0415 - after the set-up.
    from tests.oauth_client import OAuthClient  # noqa: PLC0415 - after the set-up.

    tenant = factories.make_tenant("bench")
    factories.make_api(tenant)
    client = factories.make_client(tenant, scopes=["read"])
    refreshing = factories.make_client(
        tenant,
        "refreshing",
        scopes=["read"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )
    oauth = OAuthClient(tenant)
    oauth.http = HttpClient(headers={"host": "127.0.0.1"})
    access = oauth.token(client).json()["access_token"]
    tokens = [oauth.token(refreshing).json()["refresh_token"] for _ in range(chains)]
    json.dump(
        {
            "issuer_path": f"/t/{tenant.path}",
            "client_id": client.client_id,
            "secret": client.secret,
            "refresh_client_id": refreshing.client_id,
            "refresh_secret": refreshing.secret,
            "access_token": access,
            "refresh_tokens": tokens,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
