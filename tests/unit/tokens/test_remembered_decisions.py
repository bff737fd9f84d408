"""A decision is remembered only where the same question must have the same answer."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants import policy, records
from tenants.policy import explain_inputs
from tenants.records import (
    AccessRequest,
    Authentication,
    ConsumedGrant,
    GrantType,
    IdTokenPlan,
    PresentedRefreshToken,
    TokenPlan,
    TokenRecord,
)
from tests.factories.records import (
    Changes,
    make_api,
    make_client,
    make_policy,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
)
from tokens import remembered_decisions
from tokens.remembered_decisions import (
    ASKED,
    CIRCUMSTANCES,
    MAX_NAMES,
    decide,
    restore_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.records import ClientRecord, PolicyRecord, TenantSnapshot

PROFILE, ORDERS = make_api("profile"), make_api("orders")
READ, WRITE, ORDER = make_scope(PROFILE), make_scope(PROFILE, "write"), make_scope(ORDERS, "order")
CLIENT = make_client(READ, WRITE, ORDER)
TENANT = make_tenant([PROFILE, ORDERS], [READ, WRITE, ORDER])
ELSEWHERE = "198.51.100.7"
# What judges a request, apart from what builds the document that rules read.
JUDGES = (
    *("policy", "policy_checks", "policy_rules", "policy_links"),
    *("effective_settings", "impersonation"),
)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered_decisions.forget()
    yield
    remembered_decisions.forget()


def test_same_question_is_answered_by_the_remembered_decision() -> None:
    first = decide(make_request(CLIENT, "read"), TENANT)
    second = decide(make_request(CLIENT, "read", address=ELSEWHERE, now=9.0), TENANT)
    assert first == second == policy.decide(make_request(CLIENT, "read"), TENANT)
    assert second is decide(make_request(CLIENT, "read"), TENANT)
    assert remembered_decisions.count() == 1


def test_remembered_decision_keeps_nothing_of_the_first_request() -> None:
    decide(make_request(CLIENT, "read", address=ELSEWHERE), TENANT)
    assert decide(make_request(CLIENT, "read"), TENANT).document is None


QUESTIONS: dict[str, Changes] = {
    "another scope": {"requested_scopes": ("write",)},
    "another order of scopes": {"requested_scopes": ("write", "read")},
    "an audience": {"requested_audiences": (PROFILE.audience,)},
    "an Api's own endpoint": {"api_slug": "profile"},
    "a limit of uses": {"usage_limit": 3},
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_another_question_is_decided_for_itself(name: str) -> None:
    decide(make_request(CLIENT, "read"), TENANT)
    asked = make_request(CLIENT, **{"requested_scopes": ("read",), **QUESTIONS[name]})
    assert decide(asked, TENANT) == policy.decide(asked, TENANT)
    assert remembered_decisions.count() == 2


def test_changed_configuration_is_asked_anew() -> None:
    asked = make_request(CLIENT, "read")
    assert decide(asked, TENANT).is_allowed
    assert not decide(asked, replace(TENANT, policies=())).is_allowed
    assert decide(asked, replace(TENANT)).is_allowed
    assert remembered_decisions.count() == 1


def test_changed_client_is_asked_anew() -> None:
    assert decide(make_request(CLIENT, "read"), TENANT).is_allowed
    narrowed = replace(CLIENT, scope_ids=frozenset())
    assert not decide(make_request(narrowed, "read"), TENANT).is_allowed


def test_refusal_is_never_remembered() -> None:
    assert not decide(make_request(CLIENT, "unknown"), TENANT).is_allowed
    assert remembered_decisions.count() == 0


def test_rule_that_reads_the_address_is_asked_each_time() -> None:
    away = make_policy("away", effect="deny", engine="match", rule={"address": ELSEWHERE})
    tenant = replace(TENANT, policies=(*TENANT.policies, away))
    assert decide(make_request(CLIENT, "read", address="192.0.2.1"), tenant).is_allowed
    assert not decide(make_request(CLIENT, "read", address=ELSEWHERE), tenant).is_allowed
    assert remembered_decisions.count() == 0


def test_rule_that_reads_what_is_not_there_is_asked_each_time() -> None:
    pattern = {"headers": {"origin": "https://evil.example"}}
    browser = make_policy("browser", effect="deny", engine="match", rule=pattern)
    tenant = replace(TENANT, policies=(*TENANT.policies, browser))
    decide(make_request(CLIENT, "read"), tenant)
    assert remembered_decisions.count() == 0


OTHERS: dict[str, Changes] = {
    "a subject": {"subject": make_subject()},
    "a ceiling of scopes": {"scope_ceiling": frozenset({"read"})},
    "a ceiling of audiences": {"audience_ceiling": frozenset({PROFILE.audience})},
    "a session": {"session_id": uuid4(), "session_grant_type": GrantType.CLIENT_CREDENTIALS},
    "somebody of an application": {"app_subject_id": "anna"},
    "foreign claims": {"claims": {"sub": "anna"}},
    "an operation": {"operation": "introspection"},
    "a parent": {"parent_id": uuid4()},
}


@pytest.mark.parametrize("name", OTHERS)
def test_request_with_more_than_a_client_is_decided_each_time(name: str) -> None:
    decide(make_request(CLIENT, "read"), TENANT)
    asked = make_request(CLIENT, "read", **OTHERS[name])
    assert decide(asked, TENANT) == policy.decide(asked, TENANT)
    assert remembered_decisions.count() == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_decisions, "MAX_DECISIONS", 3)
    clients = [replace(CLIENT, client_id=f"client-{number}") for number in range(5)]
    for client in clients:
        decide(make_request(client, "read"), TENANT)
    assert remembered_decisions.count() == 3
    assert decide(make_request(clients[-1], "read"), TENANT).is_allowed


def test_every_field_of_a_request_is_asked_a_circumstance_or_must_be_absent() -> None:
    names = {field.name for field in fields(AccessRequest)}
    assert CIRCUMSTANCES | {*ASKED, "client"} <= names
    assert {*ASKED}.isdisjoint(CIRCUMSTANCES)


@pytest.mark.parametrize("module", JUDGES)
def test_only_the_document_reads_circumstances(module: str) -> None:
    path = Path(policy.__file__).with_name(f"{module}.py")
    read = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert read.isdisjoint(CIRCUMSTANCES)


SCOPES = (READ, WRITE, ORDER)
NARROW_TENANT = replace(TENANT, scope_excess="narrow")
# What policies say; those that read nothing are remembered, the others never are.
RULES: dict[str, Changes] = {
    "everything": {},
    "at an address": {"engine": "match", "rule": {"address": ELSEWHERE}},
    "from a browser": {"engine": "match", "rule": {"headers": {"origin": "https://a.example"}}},
    "in the first hour": {"engine": "match", "rule": {"time": {"hour": 0}}},
    "of another client": {"engine": "match", "rule": {"client": {"client_id": "other"}}},
    "all of two": {
        "engine": "all",
        "rule": [{"engine": "allow"}, {"engine": "match", "rule": {"address": ELSEWHERE}}],
    },
    "any of two": {
        "engine": "any",
        "rule": [{"engine": "allow"}, {"engine": "match", "rule": {"address": ELSEWHERE}}],
    },
}
LINKS = st.fixed_dictionaries(
    {},
    optional={
        "clients": st.sampled_from([frozenset({CLIENT.id}), frozenset({uuid4()})]),
        "scopes": st.frozensets(st.sampled_from(["read", "write", "order"]), min_size=1),
        "apis": st.frozensets(st.sampled_from([PROFILE.id, ORDERS.id]), min_size=1),
        "groups": st.just(frozenset({"staff"})),
        "operations": st.sampled_from(
            [frozenset({"client_credentials"}), frozenset({"introspection"})]
        ),
    },
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "limit_scopes": st.frozensets(st.sampled_from(["read", "write", "order"])),
        "limit_audiences": st.just(frozenset({PROFILE.audience})),
        "limit_lifetime_seconds": st.integers(60, 600),
    },
)


@st.composite
def policies_of(draw: st.DrawFn) -> PolicyRecord:
    effect = draw(st.sampled_from(["allow", "allow", "deny", "limit"]))
    rule = RULES[draw(st.sampled_from([*RULES]))]
    mode = draw(st.sampled_from(["enforce", "enforce", "shadow"]))
    limits = draw(LIMITS) if effect == "limit" else {}
    number = draw(st.integers(0, 9))
    return make_policy(
        f"policy-{number}", effect=effect, mode=mode, **rule, **limits, **draw(LINKS)
    )


TENANTS = st.builds(
    lambda policies, tenant: replace(tenant, policies=(make_policy(), *policies)),
    st.lists(policies_of(), max_size=4, unique_by=lambda policy: policy.slug),
    st.sampled_from([TENANT, NARROW_TENANT, replace(TENANT, is_enabled=False)]),
)
CLIENTS = st.sampled_from(
    [CLIENT, replace(CLIENT, version=5), replace(CLIENT, is_enabled=False), make_client(READ)]
)
ASKED_FOR = st.fixed_dictionaries(
    {},
    optional={
        "requested_scopes": st.none()
        | st.lists(
            st.sampled_from(["read", "write", "order", "none"]), min_size=1, unique=True
        ).map(tuple),
        "requested_audiences": st.lists(
            st.sampled_from([PROFILE.audience, ORDERS.audience]), unique=True
        ).map(tuple),
        "api_slug": st.sampled_from(["", "profile"]),
        "usage_limit": st.integers(0, 2),
        "address": st.sampled_from(["192.0.2.1", ELSEWHERE]),
        "headers": st.sampled_from([{}, {"origin": "https://a.example"}]),
        "now": st.sampled_from([1.0, 7_200.0]),
        "app_subject_id": st.sampled_from(["", "anna"]),
        "actor": st.sampled_from(["", "agent"]),
        "groups": st.sampled_from([None, ("staff",)]),
        "grant_type": st.sampled_from([GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE]),
    },
)


@given(
    tenants=st.lists(TENANTS, min_size=1, max_size=2),
    clients=st.lists(CLIENTS, min_size=1, max_size=2),
    asked=st.lists(ASKED_FOR, min_size=2, max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_remembered_decision_is_the_one_that_would_be_made_anew(
    tenants: list[TenantSnapshot], clients: list[ClientRecord], asked: list[Changes]
) -> None:
    for tenant, client, changes in product(tenants, clients, [*asked, *asked]):
        request = make_request(client, **changes)
        fresh, answer = policy.decide(request, tenant), decide(request, tenant)
        assert answer == fresh
        assert answer.policies == fresh.policies
        restored = restore_document(answer, request, tenant)
        for check in fresh.checks:
            assert explain_inputs(restored, check.name) == explain_inputs(fresh, check.name)


def test_question_of_very_many_names_is_not_kept() -> None:
    names = ("read", *(f"unknown-{number}" for number in range(MAX_NAMES)))
    assert decide(make_request(CLIENT, *names), NARROW_TENANT).is_allowed
    assert remembered_decisions.count() == 0
    assert decide(make_request(CLIENT, *names[:-1]), NARROW_TENANT).is_allowed
    assert remembered_decisions.count() == 1


def test_request_that_is_explained_gets_its_own_document_back() -> None:
    asked = make_request(CLIENT, "read", address=ELSEWHERE)
    decide(make_request(CLIENT, "read"), TENANT)
    remembered = decide(asked, TENANT)
    assert explain_inputs(remembered, "policies") == {}
    restored = restore_document(remembered, asked, TENANT)
    assert restored == remembered
    assert explain_inputs(restored, "policies")["client"] == {
        "id": str(CLIENT.id),
        "client_id": CLIENT.client_id,
        "kind": CLIENT.kind,
    }
    assert restored.document is not None
    assert restored.document.read("address") == ELSEWHERE


def test_what_is_kept_between_requests_is_frozen_at_run_time() -> None:
    passing = {AccessRequest, PresentedRefreshToken, TokenRecord, TokenPlan, IdTokenPlan}
    passing |= {Authentication, ConsumedGrant}
    kept = [
        record
        for record in vars(records).values()
        if isinstance(record, type) and is_dataclass(record) and record not in passing
    ]
    assert len(kept) > 20
    for record in kept:
        name = fields(record)[0].name
        with pytest.raises(FrozenInstanceError):
            setattr(object.__new__(record), name, None)


@given(tenant=TENANTS, client=CLIENTS, asked=ASKED_FOR)
@settings(max_examples=150, deadline=None)
def test_introspection_that_no_denial_can_refuse_is_never_refused(
    tenant: TenantSnapshot, client: ClientRecord, asked: Changes
) -> None:
    request = make_request(client, **{**asked, "operation": "introspection"})
    is_allowed = policy.decide_access(request, tenant).is_allowed
    assert is_allowed or tenant.policy_index.has_denials
