"""What a management shell of the running installation can be asked for; runs in that shell."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections
from django.utils import timezone

from tenants.models import Client, ClientSecret, Tenant, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.client_secrets import add_secret, remove_secret
from tenants.services.clients import save_client
from tenants.services.tenants import update_tenant
from tokens import tasks
from tokens.models import Session
from tests.factories.tenants import (
    MadeClient,
    find_scopes,
    make_api,
    make_client,
    make_environment,
    make_tenant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AUDIENCE = "https://orders.example/"
CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RENEWABLE = {"grant_types": [CLIENT_CREDENTIALS, "refresh_token"], "refresh_token_enabled": True}


def serve() -> None:
    """Run the operations that are asked for on standard input, until it ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        close_old_connections()
        answer = OPERATIONS[asked["operation"]](**asked["arguments"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def configure(signer_jwk: dict[str, str], partner_jwk: dict[str, str]) -> dict[str, str]:
    """Make the tenant of the live tests; answer the secrets of its clients by client_id."""
    tenant = make_tenant("acme", environment=make_environment("live", "test"))
    api = make_api(tenant, "orders", audience=AUDIENCE)
    make_api(tenant, "invoices", scopes=["invoices:read"])
    made = [make_service(tenant, name) for name in ("service", "other", "gateway")]
    made.append(make_service(tenant, "post", token_endpoint_auth_method="client_secret_post"))
    made.append(make_service(tenant, "opaque", access_token_format="opaque"))
    made.append(make_service(tenant, "renewing", **RENEWABLE))
    made.append(make_client(tenant, "invoicing", scopes=["invoices:read"]))
    signs = {"token_endpoint_auth_method": "private_key_jwt", "jwks": [signer_jwk]}
    make_service(tenant, "signer", **RENEWABLE, **signs)
    make_client(
        tenant,
        "spa",
        kind=Client.Kind.SPA,
        token_endpoint_auth_method="none",
        grant_types=[JWT_BEARER, "refresh_token"],
        scopes=["read"],
    )
    gateway = next(client for client in made if client.client_id == "gateway")
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    trust_partner(tenant, partner_jwk)
    return {client.client_id: client.secret for client in made}


def make_service(tenant: Tenant, client_id: str, **fields: Any) -> MadeClient:
    return make_client(
        tenant, client_id, scopes=["read", "write"], default_scopes=["read"], **fields
    )


def trust_partner(tenant: Tenant, jwk: dict[str, str]) -> None:
    profile = TrustProfile(
        tenant=tenant,
        slug="partner",
        issuer="https://partner.example",
        algorithms=["ES256"],
        jwks=[jwk],
        provisioning=TrustProfile.Provisioning.CREATE,
    )
    links = {"maximum_scopes": find_scopes(tenant, ["read"])}
    changes.save(profile, actor=SYSTEM, links=links)


def make_spare_client(client_id: str) -> str:
    """Make one more client, allowed to ask for tokens; answer its secret."""
    return make_service(find_tenant(), client_id).secret


def set_client_enabled(client_id: str, *, is_enabled: bool) -> None:
    client = find_client(client_id)
    client.is_enabled = is_enabled
    save_client(client, actor=SYSTEM)


def set_client_lifetime(client_id: str, seconds: int) -> None:
    client = find_client(client_id)
    client.access_token_lifetime_seconds = seconds
    save_client(client, actor=SYSTEM)


def set_tenant_ceiling(seconds: int | None) -> None:
    tenant = find_tenant()
    tenant.max_access_token_lifetime_seconds = seconds
    update_tenant(tenant, actor=SYSTEM)


def add_client_secret(client_id: str, label: str) -> str:
    return add_secret(find_client(client_id), label=label, actor=SYSTEM)[1]


def remove_client_secret(client_id: str, label: str) -> None:
    remove_secret(find_secret(client_id, label), actor=SYSTEM)


def end_everything_of(client_id: str) -> None:
    client = find_client(client_id)
    cut_offs.end(client.tenant_id, actor=SYSTEM, reason="live test", client_id=client.pk)


def read_last_use(client_id: str) -> float | None:
    used_at = find_secret(client_id, "first").last_used_at
    return used_at.timestamp() if used_at else None


def make_expired_session(client_id: str) -> str:
    """Store a session whose end is longer ago than support may want to look back."""
    client = find_client(client_id)
    began = timezone.now() - timedelta(days=60)
    session = Session.objects.create(
        tenant_id=client.tenant_id,
        client=client,
        grant_type=CLIENT_CREDENTIALS,
        cut_off_number=0,
        started_at=began,
        last_used_at=began,
        expires_at=began + timedelta(days=1),
    )
    return str(session.pk)


def has_session(session_id: str) -> bool:
    return Session.objects.filter(pk=session_id).exists()


def publish_purge() -> None:
    tasks.purge_expired.delay()


def find_tenant() -> Tenant:
    return Tenant.objects.get(path="live/test/acme")


def find_client(client_id: str) -> Client:
    return Client.objects.get(tenant=find_tenant(), client_id=client_id)


def find_secret(client_id: str, label: str) -> ClientSecret:
    return ClientSecret.objects.get(client=find_client(client_id), label=label)


OPERATIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        add_client_secret,
        configure,
        end_everything_of,
        has_session,
        make_expired_session,
        make_spare_client,
        publish_purge,
        read_last_use,
        remove_client_secret,
        set_client_enabled,
        set_client_lifetime,
        set_tenant_ceiling,
    )
}
