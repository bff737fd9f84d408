"""AuthZEN 1.0, one evaluation: the working group's certification scenario, level Basic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import AccessPolicy
from tenants.records import SYSTEM
from tenants.services import changes
from tests.rfc.authzen.records import (
    ACTIVE,
    ADMIN,
    ALICE,
    ARCHIVED,
    BOB,
    READ,
    RECORD_1,
    WRITE,
    DecisionPoint,
)

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tenants.records import JSON
    from tests.factories.tenants import MadeClient

DOCUMENT = "AuthZEN 1.0"
WHOLE = {"subject": ALICE, "action": READ, "resource": RECORD_1}


def delete(*, soft: bool) -> dict[str, Any]:
    return {"name": "delete", "properties": {"soft": soft}}


@pytest.mark.requirement(DOCUMENT, "6.2", "The response contains the decision as a boolean.")
@pytest.mark.parametrize(
    ("subject", "action", "resource", "decision"),
    [
        pytest.param(ALICE, READ, RECORD_1, True, id="rule 1"),
        pytest.param(ALICE, WRITE, RECORD_1, True, id="rule 2"),
        pytest.param(BOB, READ, RECORD_1, True, id="rule 3"),
        pytest.param(BOB, WRITE, RECORD_1, False, id="rule 4"),
        pytest.param(ALICE, WRITE, ARCHIVED, False, id="rule 5"),
        pytest.param(ADMIN, WRITE, ARCHIVED, True, id="rule 6"),
        pytest.param(ALICE, delete(soft=True), RECORD_1, True, id="rule 7"),
        pytest.param(ALICE, delete(soft=False), RECORD_1, False, id="rule 8"),
        pytest.param(ALICE, WRITE, ACTIVE, True, id="rule 2, status said"),
    ],
)
def test_the_fixture_is_decided_as_the_working_group_demands(
    point: DecisionPoint, subject: JSON, action: JSON, resource: JSON, *, decision: bool
) -> None:
    assert point.ask(subject, action, resource)[0] is decision


@pytest.mark.requirement(DOCUMENT, "10.1.1", "Unknown fields are ignored.")
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"context": {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}}, id="c"),
        pytest.param({"context": {}}, id="empty context"),
        pytest.param({"foo": "bar", "futureField": {"nested": True}}, id="unknown fields"),
        pytest.param({"evaluations": []}, id="evaluations are another endpoint's"),
        pytest.param({"subject": {**ALICE, "identity": "x"}}, id="unknown in an entity"),
        pytest.param(
            {
                "subject": {**ALICE, "properties": {"department": "Sales", "role": "manager"}},
                "action": {**READ, "properties": {"method": "GET"}},
                "resource": {**RECORD_1, "properties": {"status": "active", "owner": "bob"}},
            },
            id="properties",
        ),
    ],
)
def test_what_the_policies_do_not_read_changes_nothing(
    point: DecisionPoint, more: dict[str, Any]
) -> None:
    answer = point.post({**WHOLE, **more})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert answer.json() == {"decision": True}


@pytest.mark.requirement(DOCUMENT, "10.1.2", "What is missing or of another type is a 400.")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        *(pytest.param({name: None}, name, id=f"no {name}") for name in WHOLE),
        pytest.param({"subject": {"id": "alice"}}, "subject.type", id="no subject type"),
        pytest.param({"subject": {"type": "user"}}, "subject.id", id="no subject id"),
        pytest.param({"action": {}}, "action.name", id="no action name"),
        pytest.param({"resource": {"id": "record-1"}}, "resource.type", id="no resource type"),
        pytest.param({"resource": {"type": "record"}}, "resource.id", id="no resource id"),
        pytest.param({"subject": "alice"}, "subject", id="subject a string"),
        pytest.param({"resource": ["record-1"]}, "resource", id="resource a list"),
        pytest.param({"action": {"name": 123}}, "action.name", id="action name a number"),
        pytest.param({"subject": {**ALICE, "id": True}}, "subject.id", id="subject id a boolean"),
        pytest.param({"subject": {**ALICE, "properties": []}}, "subject.properties", id="list"),
        pytest.param({"context": "now"}, "context", id="context a string"),
        pytest.param({"context": None}, "context", id="context null"),
    ],
)
def test_a_malformed_question_is_a_bad_request(
    point: DecisionPoint, change: dict[str, Any], named: str
) -> None:
    document = {**WHOLE, **change}
    if named in WHOLE and change == {named: None}:
        del document[named]
    answer = point.post(document)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["error_description"].startswith(named)


@pytest.mark.requirement(DOCUMENT, "10.1.2", "A body that is no JSON object is a 400.")
@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", '"alice"', "null", '{"subject": 1, "subject": 2}', '{"a": NaN}'),
        *('{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a":' * 20 + "1" + "}" * 20, "\xff"),
    ],
    ids=ascii,
)
def test_a_malformed_body_is_a_bad_request(point: DecisionPoint, body: str) -> None:
    assert point.post_raw(body.encode("latin-1")).status_code == 400


@pytest.mark.requirement(DOCUMENT, "10.1", "The Content-Type is application/json.")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_a_bad_request(point: DecisionPoint, content_type: str) -> None:
    body = '{"subject": {"type": "user", "id": "alice"}}'
    assert point.post_raw(body, content_type=content_type).status_code == 400
    assert point.post(WHOLE).status_code == 200


def test_a_body_beyond_the_bound_is_refused(point: DecisionPoint) -> None:
    assert point.post({**WHOLE, "context": {"x": "y" * 70_000}}).status_code == 413


@pytest.mark.requirement(DOCUMENT, "10.1.3", "The caller's X-Request-ID is in the response.")
def test_the_callers_request_id_comes_back(point: DecisionPoint) -> None:
    theirs = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
    for document, status in ((WHOLE, 200), ({}, 400)):
        answer = point.post(document, **{"X-Request-ID": theirs})
        assert (answer.status_code, answer["X-Request-ID"]) == (status, theirs)
    assert len(point.post(WHOLE)["X-Request-ID"]) == 32
    long = point.post(WHOLE, **{"X-Request-ID": "x" * 300})
    assert len(long["X-Request-ID"]) == 32


def test_a_denial_says_why_and_under_which_id(point: DecisionPoint) -> None:
    answer = point.post({**WHOLE, "subject": BOB, "action": WRITE}, **{"X-Request-ID": "theirs"})
    context = answer.json()["context"]
    assert context["reason"] == "no_policy_allows"
    assert "allow policy" in context["reason_admin"]["en"]
    assert len(context["request_id"]) == 32
    assert answer["X-Refusal-Trace"] in {"kept", "counted"}
    assert "X-Refusal-Trace" not in point.post(WHOLE)


def test_the_answer_is_the_same_each_time(point: DecisionPoint) -> None:
    assert {point.ask(ALICE, READ, RECORD_1)[0] for _ in range(5)} == {True}


def test_deny_wins_and_shadow_has_no_effect(
    tenant: Tenant, gateway: MadeClient, point: DecisionPoint
) -> None:
    policy = AccessPolicy(
        tenant=tenant, slug="no-reading", effect="deny", engine="match", mode="shadow"
    )
    policy.rule = {"action": {"name": {"$present": True, "$enum": ["read"]}}}
    policy.operations = ["access"]
    changes.save(policy, actor=SYSTEM, links={"clients": [gateway.client]})
    assert point.ask(ALICE, READ, RECORD_1)[0] is True
    policy.mode = "enforce"
    changes.save(policy, actor=SYSTEM)
    decision, context = point.ask(ALICE, READ, RECORD_1)
    assert (decision, context["reason"]) == (False, "policy_denied")
    assert point.ask(ALICE, WRITE, RECORD_1)[0] is True


def demand(name: str, scheme: JSON) -> dict[str, JSON]:
    """Write the JSON Schema of an object that has a member, and which."""
    return {"type": "object", "required": [name], "properties": {name: scheme}}


def test_the_fixture_can_be_a_json_schema(tenant: Tenant, gateway: MadeClient) -> None:
    """The same decisions for writes; what is not said of a record has to be allowed openly."""
    active: JSON = demand("status", {"not": {"const": "archived"}})
    unsaid: JSON = {"not": {"required": ["properties"]}}
    policy = AccessPolicy(tenant=tenant, slug="schema", engine="schema", operations=["access"])
    policy.rule = {
        "allOf": [
            demand("subject", demand("id", {"const": "alice"})),
            demand("action", demand("name", {"const": "write"})),
            demand("resource", {"anyOf": [unsaid, demand("properties", active)]}),
        ],
    }
    changes.save(policy, actor=SYSTEM, links={"clients": [gateway.client]})
    point = DecisionPoint(tenant, gateway)
    assert point.ask(ALICE, WRITE, RECORD_1)[0] is True
    assert point.ask(ALICE, WRITE, ARCHIVED)[0] is False
    assert point.ask(BOB, WRITE, RECORD_1)[0] is False
