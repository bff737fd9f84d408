"""What is read of an access evaluation, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tokens.evaluation_requests import MalformedEvaluation, Semantic, read_batch, read_evaluation

ALICE: dict[str, Any] = {
    "type": "user",
    "id": "alice",
    "properties": {"role": "admin"},
    "identity": "x",
}
WHOLE: dict[str, Any] = {
    "subject": ALICE,
    "action": {"name": "read"},
    "resource": {"type": "record", "id": "1"},
}


def test_only_what_the_specification_names_is_kept() -> None:
    read = read_evaluation({**WHOLE, "context": {"ip": "192.0.2.1"}, "foo": 1})
    assert read.subject == {"type": "user", "id": "alice", "properties": {"role": "admin"}}
    assert read.context == {"ip": "192.0.2.1"}
    assert read.text("action", "name") == "read"


@pytest.mark.parametrize("context", [{}, None])
def test_an_empty_context_is_none(context: dict[str, str] | None) -> None:
    document = WHOLE if context is None else {**WHOLE, "context": context}
    assert read_evaluation(document).context is None


def test_a_stated_entity_replaces_the_default_but_for_required_names() -> None:
    item: dict[str, Any] = {"subject": {"id": "bob"}}
    batch = read_batch({**WHOLE, "evaluations": [item]})
    assert batch is not None
    (read,) = batch.items
    assert not isinstance(read, MalformedEvaluation)
    assert read.subject == {"type": "user", "id": "bob"}
    assert batch.semantic is Semantic.EXECUTE_ALL


def test_a_default_of_another_type_is_not_merged() -> None:
    read = read_evaluation({"subject": {"type": "user", "id": "bob"}}, {**WHOLE, "subject": "x"})
    assert read.subject == {"type": "user", "id": "bob"}


@pytest.mark.parametrize("entity", ["subject", "action", "resource"])
@pytest.mark.parametrize("value", [None, "x", 1, [], {"type": 1, "id": "1", "name": 1}])
def test_what_is_no_entity_is_refused(entity: str, value: Any) -> None:  # noqa: ANN401 - hostile.
    with pytest.raises(MalformedEvaluation, match=entity):
        read_evaluation({**WHOLE, entity: value})
