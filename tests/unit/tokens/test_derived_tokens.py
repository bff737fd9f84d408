"""Whatever is asked for, a derived token never outranks or outlives what it was derived of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import decide
from tenants.records import GrantType, TokenSettings
from tenants.refusal_reasons import Reason, wire_error
from tests.factories.records import (
    make_api,
    make_client,
    make_policy,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
    make_token_record,
)
from tokens.claim_profiles import RFC9068
from tokens.claims import build_claims
from tokens.plan import plan

NOW = 1_700_000_000
APIS = [make_api("orders"), make_api("parcels"), make_api("bills")]
SCOPES = [make_scope(api, f"{api.slug}:{verb}") for api in APIS for verb in ("read", "write")]
NAMES = [scope.name for scope in SCOPES]
AUDIENCES = [api.audience for api in APIS]
SOME = st.frozensets(st.sampled_from(NAMES))
EXCHANGE = GrantType.TOKEN_EXCHANGE


@given(
    parent_scopes=SOME,
    parent_audiences=st.frozensets(st.sampled_from(AUDIENCES)),
    left_seconds=st.integers(1, 10_000),
    client_scopes=SOME,
    asked=st.none() | st.lists(st.sampled_from([*NAMES, "unknown"]), min_size=1, unique=True),
    audiences=st.lists(st.sampled_from([*AUDIENCES, "https://x.example/"]), unique=True),
    lifetime=st.integers(1, 20_000),
    is_narrowed=st.booleans(),
    limit=st.none() | SOME,
)
def test_derived_token_is_within_its_parent(**given_: Any) -> None:  # noqa: ANN401 - as drawn.
    limits = [make_policy("limit", effect="limit", limit_scopes=given_["limit"])]
    tenant = make_tenant(
        APIS,
        SCOPES,
        scope_excess="narrow" if given_["is_narrowed"] else "reject",
        policies=(make_policy(), *(limits if given_["limit"] is not None else ())),
    )
    client = make_client(
        *(scope for scope in SCOPES if scope.name in given_["client_scopes"]),
        grant_types=frozenset({EXCHANGE, GrantType.REFRESH_TOKEN}),
        settings=TokenSettings(
            access_token_lifetime_seconds=given_["lifetime"], refresh_token_enabled=True
        ),
    )
    request = make_request(
        client,
        *(given_["asked"] or ()),
        grant_type=EXCHANGE,
        subject=make_subject(),
        requested_audiences=tuple(given_["audiences"]),
        scope_ceiling=given_["parent_scopes"],
        audience_ceiling=given_["parent_audiences"],
        expires_at_ceiling=NOW + given_["left_seconds"],
    )
    decision = decide(request, tenant)
    if not decision.is_allowed:
        return
    planned = plan(request, decision, tenant, now=NOW, entropy=bytes(10))
    assert planned.scopes
    assert set(planned.scopes) <= given_["parent_scopes"] & given_["client_scopes"]
    assert set(planned.audiences) <= given_["parent_audiences"]
    assert planned.expires_at <= NOW + min(given_["left_seconds"], given_["lifetime"])
    assert planned.refresh is None


STEP = st.fixed_dictionaries(
    {
        "asked": st.none() | st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        "audiences": st.lists(st.sampled_from(AUDIENCES), unique=True),
        "client_scopes": SOME,
        "lifetime": st.integers(1, 20_000),
        "waited": st.integers(0, 3_000),
    }
)


@given(steps=st.lists(STEP, min_size=1, max_size=5), first_seconds=st.integers(1, 20_000))
def test_no_chain_of_exchanges_regains_what_one_of_them_gave_up(
    steps: list[dict[str, Any]], first_seconds: int
) -> None:
    tenant = make_tenant(APIS, SCOPES, scope_excess="narrow", policies=(make_policy(),))
    scopes, audiences, ends_at, now = (
        frozenset(NAMES),
        frozenset(AUDIENCES),
        NOW + first_seconds,
        NOW,
    )
    for step in steps:
        now += step["waited"]
        if now >= ends_at:
            return  # The gate knows the parent no more.
        request = make_request(
            make_client(
                *(scope for scope in SCOPES if scope.name in step["client_scopes"]),
                grant_types=frozenset({EXCHANGE}),
                settings=TokenSettings(access_token_lifetime_seconds=step["lifetime"]),
            ),
            *(step["asked"] or ()),
            grant_type=EXCHANGE,
            subject=make_subject(),
            requested_audiences=tuple(step["audiences"]),
            scope_ceiling=scopes,
            audience_ceiling=audiences,
            expires_at_ceiling=ends_at,
        )
        decision = decide(request, tenant)
        if not decision.is_allowed:
            return
        planned = plan(request, decision, tenant, now=now, entropy=bytes(10))
        assert set(planned.scopes) <= scopes
        assert set(planned.audiences) <= audiences
        assert planned.expires_at <= ends_at
        scopes, audiences = frozenset(planned.scopes), frozenset(planned.audiences)
        ends_at = planned.expires_at


def test_exchange_that_names_no_scope_asks_for_all_of_the_parent_that_the_client_may_have() -> None:
    client = make_client(*SCOPES[:3], grant_types=frozenset({EXCHANGE}))
    ceiling = frozenset(NAMES[1:])
    request = make_request(client, grant_type=EXCHANGE, scope_ceiling=ceiling)
    decision = decide(request, make_tenant(APIS, SCOPES))
    assert set(decision.granted_scopes) == set(NAMES[1:3])


def test_actors_are_nested_the_latest_outside() -> None:
    record = make_token_record(subject="alice", actor="c", prior_actors=("b", "a"))
    expected = {"sub": "c", "act": {"sub": "b", "act": {"sub": "a"}}}
    assert build_claims(RFC9068, record)["act"] == expected


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.POLICY_DENIED, "invalid_request"),
        (Reason.NO_POLICY_ALLOWS, "invalid_request"),
        (Reason.SUBJECT_DISABLED, "invalid_request"),
        (Reason.SCOPE_NOT_GRANTED, "invalid_scope"),
        (Reason.AUDIENCE_NOT_GRANTED, "invalid_target"),
        (Reason.GRANT_NOT_OF_CLIENT, "unauthorized_client"),
    ],
)
def test_codes_of_an_exchange(reason: Reason, code: str) -> None:
    assert wire_error(reason, EXCHANGE) == code
