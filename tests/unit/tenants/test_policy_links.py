"""A request meets exactly the policies whose links it matches."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy_links import Asked, find_candidates, find_reach, index_policies
from tenants.policy_rules import ask
from tests.factories.records import (
    Changes,
    make_api,
    make_client,
    make_policy,
    make_request,
    make_subject,
)

if TYPE_CHECKING:
    from tenants.policy_links import Unit
    from tenants.records import PolicyRecord

CLIENT, SUBJECT, PROFILE, ORDERS = uuid4(), uuid4(), make_api("profile"), make_api("orders")
TRUSTED, OTHER = uuid4(), uuid4()
READ: Unit = (PROFILE.id, "read")
ORDER: Unit = (ORDERS.id, "order")


def asked(*units: Unit, **changes: Changes) -> Asked:
    values: dict[str, Changes] = {
        "client_id": CLIENT,
        "client_kind": "service",
        "operation": "refresh_token",
        "units": units or (READ, ORDER),
        "subject_id": SUBJECT,
        "groups": ("staff",),
        "trust_profile_id": TRUSTED,
    }
    return Asked(**{**values, **changes})


MATCHING: dict[str, Changes] = {
    "clients": frozenset({CLIENT, OTHER}),
    "subjects": frozenset({SUBJECT}),
    "trust_profiles": frozenset({TRUSTED, OTHER}),
    "groups": frozenset({"staff", "guests"}),
    "scopes": frozenset({"read", "write"}),
    "apis": frozenset({PROFILE.id}),
    "client_kinds": frozenset({"service"}),
    "operations": frozenset({"refresh_token", "access"}),
}
FOREIGN = {"groups": "guests", "scopes": "write", "client_kinds": "spa", "operations": "access"}


def found(policy: PolicyRecord, question: Asked) -> bool:
    """Say whether a request meets a policy, by the index and without it alike."""
    candidates = find_candidates(index_policies([policy]), question)
    reach = find_reach(policy, question)
    assert candidates or not reach
    assert all(reach == question.units for _, is_exact in candidates if is_exact)
    return bool(reach)


@pytest.mark.parametrize("kind", MATCHING)
def test_each_kind_of_link_must_match(kind: str) -> None:
    assert found(make_policy(**{kind: MATCHING[kind]}), asked())
    foreign: Changes = {kind: frozenset({FOREIGN.get(kind, OTHER)})}
    assert not found(make_policy(**foreign), asked())


def test_all_kinds_of_links_must_match() -> None:
    assert found(make_policy(**MATCHING), asked())
    for kind in MATCHING:
        foreign = {kind: frozenset({FOREIGN.get(kind, OTHER)})}
        assert not found(make_policy(**{**MATCHING, **foreign}), asked())


@pytest.mark.parametrize(
    ("changes", "reach"),
    [
        ({}, (READ, ORDER)),
        ({"apis": frozenset({ORDERS.id})}, (ORDER,)),
        ({"scopes": frozenset({"read"})}, (READ,)),
        ({"scopes": frozenset({"read"}), "apis": frozenset({ORDERS.id})}, ()),
    ],
    ids=["everything", "api", "scope", "scope-of-another-api"],
)
def test_reach_is_cut_by_apis_and_scopes(changes: Changes, reach: tuple[Unit, ...]) -> None:
    assert find_reach(make_policy(**changes), asked()) == reach


def test_policy_that_is_filed_twice_is_found_once() -> None:
    links: Changes = {"scopes": ("read", "order"), "groups": ("a", "b")}
    for kind, targets in links.items():
        changes: Changes = {kind: frozenset(targets)}
        policy = make_policy(**changes)
        question = asked(groups=("a", "b"))
        assert [p for p, _ in find_candidates(index_policies([policy]), question)] == [policy]


@pytest.mark.parametrize(("effect", "matches"), [("allow", False), ("deny", True), ("limit", True)])
def test_unknown_groups_count_for_the_safe_side(effect: str, *, matches: bool) -> None:
    policy = make_policy(effect=effect, groups=frozenset({"guests"}))
    assert found(policy, asked(groups=None)) is matches


def test_without_a_subject_there_are_no_groups() -> None:
    client, units = make_client(), (READ,)
    assert ask(make_request(client), units).groups == ()
    assert ask(make_request(client, subject=make_subject()), units).groups is None
    assert ask(make_request(client, groups=("a",)), units).groups == ("a",)


def some(*values: object) -> st.SearchStrategy[frozenset[object]]:
    return st.just(frozenset()) | st.frozensets(st.sampled_from(values), max_size=2)


policies = st.lists(
    st.builds(
        make_policy,
        effect=st.sampled_from(["allow", "deny"]),
        clients=some(CLIENT, OTHER),
        subjects=some(SUBJECT, OTHER),
        trust_profiles=some(TRUSTED, OTHER),
        groups=some("staff", "guests"),
        scopes=some("read", "order", "write"),
        apis=some(PROFILE.id, ORDERS.id, OTHER),
        client_kinds=some("service", "spa"),
        operations=some("refresh_token", "access"),
    ),
    max_size=6,
)


@given(
    policies=policies,
    units=st.sampled_from([(READ,), (ORDER,), (READ, ORDER), ((None, None),)]),
    subject_id=st.sampled_from([SUBJECT, None]),
    groups=st.sampled_from([None, (), ("staff",), ("staff", "guests")]),
    trust_profile_id=st.sampled_from([TRUSTED, None]),
)
def test_index_loses_no_policy(policies: list[PolicyRecord], **changes: Changes) -> None:
    question = asked(**changes)
    candidates = find_candidates(index_policies(policies), question)
    by_index = [policy.id for policy, _ in candidates]
    assert len(by_index) == len(set(by_index))
    assert all(find_reach(p, question) == question.units for p, is_exact in candidates if is_exact)
    assert {p.id for p in policies if find_reach(p, question)} <= set(by_index)


def test_policies_of_other_clients_are_no_candidates() -> None:
    others = [make_policy(clients=frozenset({uuid4()})) for _ in range(200)]
    assert find_candidates(index_policies(others), asked()) == []
