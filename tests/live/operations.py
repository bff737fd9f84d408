"""What a management shell of the running installation can be asked for; runs in that shell."""

from __future__ import annotations

import json
import sys
import time
import traceback
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections
from django.utils import timezone

from tenants import snapshot
from tenants.models import Client, ClientSecret, Tenant
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.client_secrets import add_secret, remove_secret
from tenants.services.clients import save_client
from tenants.services.tenants import update_tenant
from tests.factories.openid import make_party
from tests.factories.people import make_subject_with_password
from tests.factories.policies import make_policy
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.signed_in import sign_in, tell_at
from tokens import limits, metrics, tasks
from tokens.front_channel import cookies
from tokens.models import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Counter

CLIENT_CREDENTIALS = "client_credentials"


def serve() -> None:
    """Run the operations that are asked for on standard input, until it ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        close_old_connections()
        sys.stdout.write(json.dumps(run(asked["operation"], asked["arguments"])) + "\n")
        sys.stdout.flush()


def run(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one operation; what goes wrong is answered, so that it fails the test that asked."""
    try:
        return {"answer": OPERATIONS[operation](**arguments)}
    except Exception:  # noqa: BLE001 - whatever it is, the test shows it.
        return {"failure": traceback.format_exc()}


def make_spare_client(client_id: str) -> str:
    """Make one more client, allowed to ask for tokens; answer its secret."""
    scopes = ["read"]
    return make_client(find_tenant(), client_id, scopes=scopes).secret


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


def set_client_limit(client_id: str, per_minute: int, burst: int) -> None:
    client = find_client(client_id)
    client.client_requests_per_minute = per_minute
    client.client_request_burst = burst
    save_client(client, actor=SYSTEM)


def spend_limit(client_id: str, seconds: float) -> dict[str, float]:
    """Ask the limit of a client as fast as this process can; answer how often it said yes.

    And how often this process had to do without the shared store, so far.
    """
    snapshot.CURRENT.renew()
    tenant = snapshot.CURRENT.tenant(find_tenant().path)
    assert tenant is not None
    client = snapshot.CURRENT.client(tenant, client_id)
    ends = time.monotonic() + seconds
    admitted = 0
    while time.monotonic() < ends:
        admitted += limits.CLIENTS.wait_seconds(tenant, client, client_id) == 0
        time.sleep(0.001)
    away = sum(_read_counter(metrics.LEASES, outcome) for outcome in ("away", "skipped"))
    return {"admitted": admitted, "away": away}


def _read_counter(counter: Counter, label: str) -> float:
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return sum(s.value for s in samples if s.name.endswith("_total") and label in s.labels.values())


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


def age_newest_session(client_id: str) -> str:
    """Move a session so far back that support need not look at it any more; answer its id."""
    session = Session.objects.filter(client=find_client(client_id)).latest("started_at")
    ended_at = timezone.now() - timedelta(days=60)
    session.started_at = session.last_used_at = ended_at - timedelta(days=1)
    session.expires_at = ended_at
    session.save()
    return str(session.pk)


def has_session(session_id: str) -> bool:
    return Session.objects.filter(pk=session_id).exists()


def sign_somebody_in(address: str) -> dict[str, str]:
    """Sign a person in to a client that is told of logouts there; answer cookie and ID token."""
    party = make_party(find_tenant(), f"told-{uuid.uuid4().hex[:8]}")
    tell_at(party.made.client.pk, address)
    person = sign_in(party)
    cookie = person.browser.http.cookies[cookies.SIGN_IN].value
    return {"cookie": cookie, "id_token": person.tokens("openid")["id_token"]}


def make_tools_tenant(audience: str) -> dict[str, str]:
    """Make a tenant at which tools connect by themselves; answer its resource server's secret."""
    environment = find_tenant().environment
    tenant = make_tenant(
        "tools",
        environment=environment,
        client_registration="open",
        allow_client_metadata_documents=True,
    )
    api = make_api(tenant, "tools", scopes=["tools:call"], audience=audience)
    gateway = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    make_policy(tenant, "registered", client_kinds=["dynamic"])
    subject = make_subject_with_password(tenant)
    return {"secret": gateway.secret, "email": subject.email}


def make_openid_client(client_id: str, **fields: Any) -> dict[str, str]:  # noqa: ANN401 - of the model.
    """Make a client at the tenant where people sign in; answer its secret and a person's."""
    environment = find_tenant().environment
    tenant = Tenant.objects.filter(environment=environment, slug="people").first()
    if tenant is None:
        tenant = make_tenant("people", environment=environment)
        make_api(tenant)
        make_subject_with_password(tenant)
    scopes = ["openid", "profile", "email", "offline_access", "read"]
    made = make_client(tenant, client_id, scopes=scopes, **fields)
    return {"secret": made.secret, "email": tenant.subjects.get().email}


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
        age_newest_session,
        end_everything_of,
        has_session,
        make_openid_client,
        make_tools_tenant,
        make_spare_client,
        publish_purge,
        read_last_use,
        remove_client_secret,
        set_client_enabled,
        set_client_lifetime,
        set_client_limit,
        set_tenant_ceiling,
        sign_somebody_in,
        spend_limit,
    )
}
