"""Tests of delegation: what a master token gives is a part of what it has, whatever is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.policy import decide
from tenants.queries.master_tokens import MasterTokenRecord
from tenants.records import Actor, GrantType, KeyedHash
from tests.factories.records import (
    make_api,
    make_client,
    make_policy,
    make_scope,
    make_subject,
    make_tenant,
)
from tokens.callers import Caller
from tokens.errors import InsufficientScope
from tokens.grants import master_token
from tokens.parameters import EndpointRequest, Parameters
from tokens.plan import plan

if TYPE_CHECKING:
    from tenants.records import ClientRecord, TenantSnapshot

NAMES = ("read", "write", "erase", "share", "pay", "sign")
KINDS = ("reject", "narrow")
subsets = st.frozensets(st.sampled_from(NAMES))
asked = st.none() | st.lists(
    st.sampled_from((*NAMES, "unknown")), min_size=1, max_size=8, unique=True
).map(tuple)


def make_caller(client: ClientRecord, scopes: frozenset[str]) -> Caller:
    record = MasterTokenRecord(
        id=uuid4(),
        kind="private",
        label="server",
        client=client.id,
        client_id=client.client_id,
        is_enabled=True,
        expires_at=time.time() + 60,
        keyed_hash=KeyedHash("a", b""),
        scopes=scopes,
    )
    return Caller(Actor("master_token"), master_token=record, client=client)


def make_endpoint_request(tenant: TenantSnapshot) -> EndpointRequest:
    return EndpointRequest(tenant, Parameters(), now=1_700_000_000.0, cut_off_number=7)


@settings(max_examples=300, deadline=None)
@given(
    held=subsets,
    delegated=subsets,
    defaults=subsets,
    limited=st.none() | subsets,
    wanted=asked,
    excess=st.sampled_from(KINDS),
)
def test_granted_scope_is_within_master_token_client_request_and_limits(
    held: frozenset[str],
    delegated: frozenset[str],
    defaults: frozenset[str],
    limited: frozenset[str] | None,
    wanted: tuple[str, ...] | None,
    excess: str,
) -> None:
    api = make_api()
    scopes = {name: make_scope(api, name) for name in NAMES}
    policies = [make_policy()]
    if limited is not None:
        policies.append(make_policy("limit", effect="limit", limit_scopes=limited))
    tenant = make_tenant(
        [api], list(scopes.values()), scope_excess=excess, policies=tuple(policies)
    )
    client = make_client(
        *(scopes[name] for name in held),
        grant_types=frozenset({GrantType.MASTER_TOKEN, GrantType.REFRESH_TOKEN}),
        default_scope_ids=frozenset(scopes[name].id for name in defaults),
    )
    caller = make_caller(client, delegated)
    request = make_endpoint_request(tenant)
    access = master_token.request_access(request, caller, make_subject(), scopes=wanted)
    decision = decide(access, tenant)
    granted = frozenset(decision.granted_scopes)
    assert granted <= delegated & held
    assert granted <= frozenset(wanted or defaults)
    assert limited is None or granted <= limited
    assert bool(granted) == decision.is_allowed
    if decision.is_allowed:
        planned = plan(access, decision, tenant, now=request.now, entropy=bytes(10))
        assert frozenset(planned.scopes) == granted
        # What a master token gives can't be renewed past its end.
        assert planned.refresh is None


def test_request_names_the_master_token_its_client_and_the_user() -> None:
    client, subject = make_client(), make_subject(groups=("staff",))
    caller = make_caller(client, frozenset({"read"}))
    access = master_token.request_access(
        make_endpoint_request(make_tenant()), caller, subject, scopes=None, audiences=("a",)
    )
    assert caller.master_token is not None
    assert access.master_token_id == caller.master_token.id
    assert (access.client, access.subject, access.groups) == (client, subject, ("staff",))
    assert (access.scope_ceiling, access.requested_audiences) == (frozenset({"read"}), ("a",))


def test_without_a_master_token_nobody_asks_for_a_users_token() -> None:
    caller = Caller(Actor("client"), scopes=frozenset({"management:users:write"}))
    with pytest.raises(InsufficientScope):
        master_token.request_access(
            make_endpoint_request(make_tenant()), caller, make_subject(), scopes=None
        )
