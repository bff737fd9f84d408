"""A decision is remembered only where the same question must have the same answer."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tenants import policy
from tenants.records import AccessRequest, GrantType
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
from tokens.remembered_decisions import ASKED, CIRCUMSTANCES, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

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
