"""`python -m benchmarks.policy_cost`: what access policies cost a client_credentials request.

Both sides run in one process and in turns, on a real database, and processor time of this process
is what counts: so their ratio says something even on a busy machine.
"""

from __future__ import annotations

import base64
import os
import statistics
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import django

from benchmarks import database, servers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.database import Database
    from tenants.records import JSON, ClientRecord, PolicyRecord, TenantSnapshot
    from tokens.parameters import EndpointRequest

LINKED: Final = 10
UNRELATED: Final = 200
ROUNDS: Final = 40
CALLS: Final = 100
DECISIONS: Final = 500
BOUND_PERCENT: Final = 10
MATCH: Final[JSON] = {
    "client": {"kind": {"$enum": ["service", "web"]}},
    "scopes": {"$contains": "read"},
}
OTHER_KIND: Final[JSON] = {"client": {"kind": "spa"}}
SCHEMA: Final[JSON] = {"properties": {"client": {"properties": {"kind": {"const": "service"}}}}}
CEDAR: Final = 'permit(principal, action, resource) when { context.client.kind == "service" };'
ENGINES: Final[Mapping[str, tuple[str, JSON]]] = {
    "allow": ("allow", None),
    "match": ("match", MATCH),
    "all of two match": (
        "all",
        [{"engine": "match", "rule": MATCH}, {"engine": "match", "rule": {"version": 1}}],
    ),
    "schema": ("schema", SCHEMA),
    "cedar": ("cedar", CEDAR),
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A tenant with a client that may ask, and its request without policies."""

    request: EndpointRequest
    client: ClientRecord


def main() -> int:
    """Measure, print both tables, and fail where the bound is exceeded."""
    with database.running() as running:
        ready = _prepare(running)
        percent = _measure_requests(ready)
        _print_engines(ready)
    return 0 if percent < BOUND_PERCENT else 1


def _prepare(running: Database) -> Ready:
    """Set Django up on this database and make one tenant with the real services."""
    os.environ.update(servers.platform_variables(running))
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up.

    from tenants import snapshot  # noqa: PLC0415 - the same.
    from tests.factories import tenants as factories  # noqa: PLC0415 - the same.
    from tests.oauth_client import OAuthClient  # noqa: PLC0415 - the same.
    from tokens.parameters import EndpointRequest, Parameters  # noqa: PLC0415 - the same.

    call_command("prepare_database", verbosity=0)
    tenant = factories.make_tenant("bench")
    factories.make_api(tenant)
    made = factories.make_client(tenant, scopes=["read"])
    # The first token makes the signing keys; without them each request would look for them.
    OAuthClient(tenant).token(made)
    snapshot.CURRENT.renew()
    core = snapshot.CURRENT.tenant(tenant.path)
    client = snapshot.CURRENT.client(core, made.client_id) if core else None
    if core is None or client is None or not core.keys:
        raise RuntimeError("the tenant is not ready")
    pair = base64.b64encode(f"{made.client_id}:{made.secret}".encode()).decode()
    form = Parameters({"grant_type": ("client_credentials",), "scope": ("read",)})
    request = EndpointRequest(
        tenant=core,
        parameters=form,
        now=time.time(),
        cut_off_number=0,
        authorization=f"Basic {pair}",
        address="192.0.2.1",
        user_agent="benchmark",
    )
    return Ready(request, client)


def _policy(slug: str, engine: str, rule: JSON, client: object, effect: str) -> PolicyRecord:
    from tests.factories.records import make_policy  # noqa: PLC0415 - after the set-up.

    return make_policy(slug, engine=engine, rule=rule, effect=effect, clients=frozenset({client}))


def _with(ready: Ready, *policies: PolicyRecord) -> TenantSnapshot:
    return replace(ready.request.tenant, policies=policies)


def _many(ready: Ready) -> TenantSnapshot:
    """Link ten policies to the client, five that allow and five that don't match, and 200 not."""
    own = ready.client.id
    allows = [_policy(f"allow-{n}", "match", MATCH, own, "allow") for n in range(LINKED // 2)]
    denies = [_policy(f"deny-{n}", "match", OTHER_KIND, own, "deny") for n in range(LINKED // 2)]
    effects = ("allow", "deny")
    others = [
        _policy(f"other-{n}", "match", MATCH, uuid4(), effects[n % 2]) for n in range(UNRELATED)
    ]
    return _with(ready, *allows, *denies, *others)


def _measure_requests(ready: Ready) -> float:
    """Answer by how many percent the policies raise the time of a whole request."""
    from tokens.endpoints.token import answer_token_request  # noqa: PLC0415 - after the set-up.

    one = _with(ready, _policy("one", "allow", None, ready.client.id, "allow"))
    sides = [replace(ready.request, tenant=tenant) for tenant in (one, _many(ready))]
    for side in sides:
        answer_token_request(side)
    few, many = _in_turns([partial(answer_token_request, side) for side in sides], CALLS)
    percent = (many - few) / few * 100
    write = sys.stdout.write
    write("client_credentials, without HTTP: microseconds of processor time\n")
    write(f"  one allow                        {few:6.1f}\n")
    write(f"  {LINKED} linked and {UNRELATED} unrelated      {many:6.1f}  (+{percent:.1f} %)\n")
    return percent


def _print_engines(ready: Ready) -> None:
    """Print what one more policy of each engine adds to a decision."""
    from tenants.policy import decide  # noqa: PLC0415 - after the set-up.
    from tokens import grants  # noqa: PLC0415 - the same.

    asked = grants.request_access(ready.request, ready.client)
    base = _policy("base", "allow", None, ready.client.id, "allow")
    tenants = [_with(ready, base)]
    for engine, rule in ENGINES.values():
        tenants.append(_with(ready, base, _policy("more", engine, rule, ready.client.id, "allow")))
    calls = [partial(decide, asked, tenant) for tenant in tenants]
    without, *measured = _in_turns(calls, DECISIONS)
    sys.stdout.write(
        f"a decision with one allow takes {without:.1f} microseconds; one more policy\n"
    )
    for name, cost in zip(ENGINES, measured, strict=True):
        sys.stdout.write(f"  | `{name}` | {cost - without:.1f} |\n")


def _in_turns(sides: Sequence[Callable[[], object]], calls: int) -> list[float]:
    """Answer each side's median in microseconds per call; whatever happens meanwhile hits all."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, measured in zip(sides, seconds, strict=True):
            began = time.process_time()
            for _ in range(calls):
                side()
            measured.append((time.process_time() - began) / calls)
    return [statistics.median(measured) * 1e6 for measured in seconds]


if __name__ == "__main__":
    sys.exit(main())
