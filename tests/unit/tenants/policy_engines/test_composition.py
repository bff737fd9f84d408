"""Rules are taken together by three-valued logic."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tenants.policy_document import Document
from tenants.policy_engines import compile_rule, lint
from tenants.policy_engines.logic import conjunction, disjunction
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.INDETERMINATE
RULES: dict[Verdict, dict[str, JSON]] = {
    T: {"engine": "match", "rule": {"client": {"kind": "service"}}},
    F: {"engine": "match", "rule": {"client": {"kind": "web"}}},
    U: {"engine": "match", "rule": {"claims": {"role": "admin"}}},
}
MEMBERS: Members = {"client": {"kind": "service"}}
RANK = {F: 0, U: 1, T: 2}


def ask(engine: str, rule: JSON) -> Verdict:
    return compile_rule(engine, rule)(Document(MEMBERS.get, MEMBERS))


@pytest.mark.parametrize("verdicts", list(product((T, F, U), repeat=2)), ids=str)
def test_all_and_any_follow_kleene(verdicts: tuple[Verdict, Verdict]) -> None:
    rules: JSON = [RULES[verdict] for verdict in verdicts]
    assert ask("all", rules) is min(verdicts, key=RANK.__getitem__)
    assert ask("any", rules) is max(verdicts, key=RANK.__getitem__)
    assert conjunction(verdicts) is ask("all", rules)
    assert disjunction(verdicts) is ask("any", rules)


def test_compositions_nest() -> None:
    inner: JSON = {"engine": "any", "rule": [RULES[F], {"engine": "allow"}]}
    assert ask("all", [inner, RULES[T]]) is T


def test_what_breaks_in_one_member_is_that_members_alone() -> None:
    broken: JSON = {"engine": "match", "rule": {"$no": 1}}
    assert ask("any", [broken, RULES[T]]) is T
    assert ask("all", [broken, RULES[T]]) is U
    assert ask("all", [broken, RULES[F]]) is F


@pytest.mark.parametrize(
    "rule",
    [
        *(None, {}, [], [1], [{}], [{"rule": None}], [{"engine": 1}]),
        *([{"engine": "allow", "more": 1}], [{"engine": "allow"}] * 33),
    ],
    ids=str,
)
def test_malformed_composition_is_found_and_indeterminate(rule: JSON) -> None:
    for engine in ("all", "any"):
        assert ask(engine, rule) is U
        assert lint("allow", engine, rule)


@pytest.mark.parametrize(
    ("engine", "rule", "found"),
    [
        ("all", [RULES[T], RULES[F]], []),
        ("all", [RULES[T]], [("", "warning")]),
        ("any", [{"engine": "allow"}], [("", "warning")]),
        ("any", [RULES[T], {"engine": "allow"}], [("/1", "error")]),
        ("all", [RULES[T], {"engine": "allow"}], [("/1", "warning")]),
        ("any", [RULES[T], RULES[T]], [("/1", "warning")]),
        ("any", [RULES[T], 1], [("/1", "error")]),
        ("any", [RULES[T], {"engine": "mtach"}], [("/1/rule", "error")]),
        (
            "any",
            [RULES[T], {"engine": "allow", "rule": 1}],
            [("/1/rule", "error"), ("/1", "error")],
        ),
        (
            "all",
            [RULES[T], {"engine": "match", "rule": {"cliant": 1}}],
            [("/1/rule/cliant", "error")],
        ),
    ],
    ids=str,
)
def test_findings_name_the_member(engine: str, rule: JSON, found: list[tuple[str, str]]) -> None:
    assert [(f.path, f.severity.value) for f in lint("allow", engine, rule)] == found
