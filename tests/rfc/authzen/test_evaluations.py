"""AuthZEN 1.0, several evaluations at once: the certification scenario, level Batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.tokens import make_subject
from tests.rfc.authzen.records import (
    ACTIVE,
    ADMIN,
    ALICE,
    ARCHIVED,
    BOB,
    READ,
    RECORD_1,
    RECORD_2,
    WRITE,
)
from tokens.evaluation_requests import MAX_EVALUATIONS

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.rfc.authzen.records import DecisionPoint

DOCUMENT = "AuthZEN 1.0"
EVALUATIONS = "/access/v1/evaluations"
YES = {"action": READ}
NO = {"action": WRITE}


@pytest.mark.requirement(DOCUMENT, "7.2", "The decisions come in the order of the requests.")
@pytest.mark.parametrize(
    ("document", "decisions"),
    [
        pytest.param(
            {"subject": BOB, "resource": RECORD_1, "evaluations": [YES, NO]},
            [True, False],
            id="actions",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "action": WRITE,
                "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}],
            },
            [True, False],
            id="properties",
        ),
        pytest.param(
            {
                "action": WRITE,
                "resource": ARCHIVED,
                "evaluations": [{"subject": ALICE}, {"subject": ADMIN}],
            },
            [False, True],
            id="subjects",
        ),
        pytest.param(
            {
                "evaluations": [
                    {"subject": ALICE, "action": READ, "resource": RECORD_1},
                    {"subject": BOB, "action": WRITE, "resource": RECORD_1},
                ]
            },
            [True, False],
            id="no defaults",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "action": READ,
                "context": {"time": "2025-06-27T18:03-07:00"},
                "evaluations": [
                    {"resource": RECORD_1},
                    {"resource": RECORD_2, "context": {"source": "override"}},
                ],
            },
            [True, True],
            id="context",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "action": WRITE,
                "resource": {"type": "record"},
                "evaluations": [
                    {"resource": {"id": "record-1", "properties": {"status": "active"}}},
                    {"resource": ARCHIVED},
                ],
            },
            [True, False],
            id="required names fall back to the default",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "action": WRITE,
                "resource": ARCHIVED,
                "evaluations": [{"resource": RECORD_1}],
            },
            [True],
            id="other members of a default are replaced",
        ),
    ],
)
def test_a_batch_is_decided_one_by_one(
    point: DecisionPoint, document: dict[str, Any], decisions: list[bool]
) -> None:
    assert point.ask_all(**document) == decisions


@pytest.mark.requirement(DOCUMENT, "7.1", "Without evaluations it is one evaluation.")
@pytest.mark.parametrize("more", [{}, {"evaluations": []}], ids=["absent", "empty"])
def test_without_evaluations_it_is_one_question(point: DecisionPoint, more: dict[str, Any]) -> None:
    document = {"subject": ALICE, "action": READ, "resource": RECORD_1, **more}
    assert point.post(document, path=EVALUATIONS).json() == {"decision": True}


@pytest.mark.requirement(DOCUMENT, "7.2.1", "An error in one evaluation closes that one.")
@pytest.mark.parametrize(
    "item",
    [{}, {"resource": "record-1"}, {"resource": {"id": "record-1"}}, "record-1", None],
    ids=str,
)
def test_an_error_in_one_evaluation_denies_that_one(point: DecisionPoint, item: Any) -> None:  # noqa: ANN401 - any JSON.
    document = {
        "subject": ALICE,
        "action": READ,
        "evaluations": [{"resource": RECORD_1}, item, {"resource": RECORD_1}],
    }
    first, wrong, last = point.post(document, path=EVALUATIONS).json()["evaluations"]
    assert first == last == {"decision": True}
    assert wrong["decision"] is False
    assert wrong["context"]["error"]["status"] == 400
    assert wrong["context"]["error"]["message"]


@pytest.mark.requirement(DOCUMENT, "7.1.2.1", "The three semantics stop where they say.")
@pytest.mark.parametrize(
    ("semantic", "items", "decisions"),
    [
        (None, [YES, NO, YES], [True, False, True]),
        ("execute_all", [YES, NO, YES], [True, False, True]),
        ("deny_on_first_deny", [YES, NO, YES], [True, False]),
        ("deny_on_first_deny", [YES, {"action": {}}, YES], [True, False]),
        ("deny_on_first_deny", [YES, YES], [True, True]),
        ("permit_on_first_permit", [NO, YES, NO], [False, True]),
        ("permit_on_first_permit", [NO, NO], [False, False]),
    ],
)
def test_the_semantic_says_when_to_stop(
    point: DecisionPoint, semantic: str | None, items: list[Any], decisions: list[bool]
) -> None:
    options = {"options": {"evaluations_semantic": semantic}} if semantic else {"options": {}}
    document = {"subject": BOB, "resource": RECORD_1, "evaluations": items, **options}
    assert point.ask_all(**document) == decisions


@pytest.mark.requirement(DOCUMENT, "7.2.1", "What is wrong with the whole payload is a 400.")
@pytest.mark.parametrize(
    "change",
    [
        {"evaluations": {"resource": RECORD_1}},
        {"evaluations": None},
        {"options": []},
        {"options": {"evaluations_semantic": "first"}},
        {"options": {"evaluations_semantic": 1}},
        {"options": {"evaluations_semantic": {}}},
        {"subject": "alice"},
        {"context": []},
        {"evaluations": [YES] * (MAX_EVALUATIONS + 1)},
    ],
    ids=lambda change: ascii(change)[:60],
)
def test_a_malformed_batch_is_a_bad_request(point: DecisionPoint, change: dict[str, Any]) -> None:
    document = {"subject": BOB, "resource": RECORD_1, "evaluations": [YES], **change}
    assert point.post(document, path=EVALUATIONS).status_code == 400


def test_the_largest_batch_reads_its_subjects_by_one_statement(
    point: DecisionPoint, tenant: Tenant
) -> None:
    people = [make_subject(tenant) for _ in range(5)]
    items = [{"subject": {"type": "user", "id": str(person.pk)}} for person in people]
    document = {"action": READ, "resource": RECORD_1, "evaluations": items * 10}
    point.ask_all(**document)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert point.ask_all(**document) == [False] * MAX_EVALUATIONS
    reads = [q["sql"] for q in captured if "tenants_subject s" in q["sql"]]
    assert len(reads) == 1


def test_only_the_first_denial_of_a_batch_leaves_a_trace(point: DecisionPoint) -> None:
    from tokens.models import Refusal  # noqa: PLC0415 - once Django is set up.

    document = {"subject": BOB, "resource": RECORD_1, "evaluations": [NO, NO]}
    answer = point.post(document, path=EVALUATIONS)
    ids = {each["context"]["request_id"] for each in answer.json()["evaluations"]}
    assert len(ids) == 1
    if answer["X-Refusal-Trace"] == "kept":
        refusal = Refusal.objects.get(request_id=ids.pop())
        assert (refusal.operation, refusal.error) == ("evaluation", "access_denied")
