"""A pattern matches what is there; nothing matches by being absent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy_document import Document, DocumentTooLarge
from tenants.policy_engines import compile_rule, match
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.INDETERMINATE


def ask(rule: JSON, members: Members) -> Verdict:
    return compile_rule("match", rule)(Document(members.get, members))


MEMBERS: Members = {
    "kind": "service",
    "line": "service\n",
    "umlaut": "ü",
    "number": 1,
    "flag": True,
    "list": ["a", "b"],
    "empty": [],
    "objects": [{"n": "x", "m": 1}, {"n": "y"}],
    "object": {"in": "a", "deep": {"in": "a"}},
    "same": {"in": "a", "deep": {"in": "a"}},
    "other": {"in": "a"},
    "mixed": ["a", 1],
    "a.b": {"c.d": "service"},
}


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        ({"kind": "service"}, T),
        ({"kind": "web"}, F),
        ({"kind": 1}, U),
        ({"absent": "service"}, U),
        ({"number": 1.0}, T),
        ({"number": True}, U),
        ({"flag": 1}, U),
        ({"flag": True}, T),
        ({"list": "a"}, U),
        ({"kind": "service", "number": 2}, F),
        ({"kind": "service", "absent": 2}, U),
        ({"kind": "web", "absent": 2}, F),
        ({"object": {"in": "a", "deep": {"in": "a"}}}, T),
        ({"object": {"no": "a"}}, U),
        ({"absent": {"no": "a"}}, U),
        ({"kind": {"no": "a"}}, U),
        ({"kind": {"no": {"$present": True}}}, F),
        ({"kind": {"no": {"$absent": True}}}, U),
        ({"kind": {"$enum": ["web", "service"]}}, T),
        ({"kind": {"$enum": ["web", 1]}}, F),
        ({"kind": {"$enum": [1, True]}}, U),
        ({"absent": {"$enum": ["a"]}}, U),
        ({"kind": {"$one-of": ["web", {"$regex": "serv.*"}]}}, T),
        ({"kind": {"$one-of": ["web", "spa"]}}, F),
        ({"kind": {"$one-of": ["web", 1]}}, U),
        ({"absent": {"$one-of": [{"$absent": True}, "x"]}}, T),
        ({"list": {"$contains": "b"}}, T),
        ({"list": {"$contains": "c"}}, F),
        ({"mixed": {"$contains": "a"}}, T),
        ({"mixed": {"$contains": "c"}}, U),
        ({"empty": {"$contains": "a"}}, F),
        ({"kind": {"$contains": "a"}}, U),
        ({"absent": {"$contains": "a"}}, U),
        ({"objects": {"$contains": {"n": "y"}}}, T),
        ({"objects": {"$contains": {"m": 2}}}, U),
        ({"list": {"$every": {"$enum": ["a", "b"]}}}, T),
        ({"list": {"$every": "a"}}, F),
        ({"empty": {"$every": "a"}}, F),
        ({"empty": {"$present": True, "$every": "a"}}, F),
        ({"absent": {"$every": "a"}}, U),
        ({"objects": {"$every": {"m": 1}}}, U),
        ({"kind": {"$present": True}}, T),
        ({"absent": {"$present": True}}, F),
        ({"absent": {"deep": {"$present": True}}}, F),
        ({"absent": {"$absent": True}}, T),
        ({"absent": {"deep": {"$absent": True}}}, T),
        ({"kind": {"$absent": True}}, F),
        ({"absent": {"$present": True, "$enum": ["a"]}}, F),
        ({"kind": {"$present": True, "$enum": ["service"]}}, T),
        ({"kind": {"$regex": "serv"}}, F),
        ({"kind": {"$regex": "serv.*"}}, T),
        ({"kind": {"$regex": "a|service"}}, T),
        ({"number": {"$regex": "1"}}, U),
        ({"line": {"$regex": "service"}}, F),
        ({"line": {"$regex": "(?m)^service$"}}, F),
        ({"line": {"$regex": "service."}}, F),
        ({"line": {"$regex": "(?s)service."}}, T),
        ({"kind": {"$regex": "serv|web"}}, F),
        ({"kind": {"$regex": ""}}, F),
        ({"umlaut": {"$regex": "."}}, T),
        ({"umlaut": {"$regex": "\\x{fc}"}}, T),
        ({"umlaut": {"$regex": "[a-z]"}}, F),
        ({"absent": {"$regex": ".*"}}, U),
        ({"kind": {"$ref": "kind"}}, T),
        ({"kind": {"$ref": "object.in"}}, F),
        ({"kind": {"$ref": ["a.b", "c.d"]}}, T),
        ({"kind": {"$ref": "number"}}, U),
        ({"kind": {"$ref": "kind.deeper"}}, U),
        ({"absent": {"$ref": "also-absent"}}, U),
        ({"object": {"$ref": "same"}}, T),
        ({"object": {"$ref": "other"}}, F),
        ({"list": {"$ref": "list"}}, T),
        ({"list": {"$ref": "mixed"}}, F),
        ({"list": {"$ref": "empty"}}, F),
        ({"list": {"$contains": {"$ref": "object.in"}}}, T),
    ],
    ids=str,
)
def test_pattern(pattern: JSON, verdict: Verdict) -> None:
    assert ask(pattern, MEMBERS) is verdict


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            None,
            [],
            "service",
            {},
            {"$present": True},
            {"kind": {}},
            {"kind": None},
            {"kind": ["a"]},
        ),
        *({"kind": {"$no": 1}}, {"kind": {"$enum": []}}, {"kind": {"$enum": "a"}}),
        *({"kind": {"$enum": [{}]}}, {"kind": {"$enum": [None]}}, {"kind": {"$one-of": []}}),
        *({"kind": {"$one-of": {}}}, {"kind": {"$present": False}}, {"kind": {"$absent": 1}}),
        *({"kind": {"$regex": 1}}, {"kind": {"$regex": "(?=a)"}}, {"kind": {"$regex": "\\1"}}),
        *({"kind": {"$regex": "a" * 2000}}, {"kind": {"$ref": ""}}, {"kind": {"$ref": []}}),
        *({"kind": {"$ref": 1}}, {"kind": {"$ref": [1]}}, {"kind": {"$ref": "a..b"}}),
    ],
    ids=repr,
)
def test_malformed_pattern_is_indeterminate(pattern: JSON) -> None:
    assert ask(pattern, MEMBERS) is U


def test_text_that_cant_be_encoded_is_indeterminate() -> None:
    assert ask({"kind": {"$regex": ".*"}}, {"kind": "\ud800"}) is U


@pytest.mark.parametrize("names", [("kind", "large"), ("large", "kind")], ids=" ".join)
@pytest.mark.parametrize(
    ("kind", "verdict"), [("web", F), ("service", U)], ids=["decided", "undecided"]
)
def test_what_is_too_large_to_read_is_unsure_in_any_order(
    names: tuple[str, str], kind: str, verdict: Verdict
) -> None:
    def build(name: str) -> JSON:
        if name == "large":
            raise DocumentTooLarge(name)
        return "service"

    parts: dict[str, JSON] = {"kind": kind, "large": {"$present": True}}
    rule = {name: parts[name] for name in names}
    assert compile_rule("match", rule)(Document(build, names)) is verdict


def test_pattern_runs_in_linear_time() -> None:
    assert ask({"kind": {"$regex": "(a+)+b"}}, {"kind": "a" * 50_000}) is F


json_values = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def written(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)


@given(value=json_values, other=json_values)
def test_same_values_are_written_alike(value: JSON, other: JSON) -> None:
    assert match.is_same(value, value)
    assert match.is_same(value, other) == (written(value) == written(other))


names = st.sampled_from(["a", "b", "c"])
leaves = st.one_of(
    st.sampled_from(["a", "b", 1, True]),
    st.builds(
        lambda options: {"$enum": options}, st.lists(st.sampled_from(["a", "b", 1]), min_size=1)
    ),
    st.builds(lambda text: {"$regex": text}, st.sampled_from(["a", "[ab]", ".*"])),
    st.builds(lambda path: {"$ref": path}, st.sampled_from(["a", "b.a", "c"])),
    st.just({"$present": True}),
)
# Patterns without negation: everything but $absent.
positive_patterns = st.dictionaries(
    names,
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.dictionaries(names, inner, min_size=1, max_size=2),
            st.builds(
                lambda options: {"$one-of": options}, st.lists(inner, min_size=1, max_size=2)
            ),
            st.builds(lambda part: {"$contains": part}, inner),
            st.builds(lambda part: {"$every": part}, inner),
        ),
        max_leaves=4,
    ),
    min_size=1,
)
documents = st.dictionaries(names, json_values, max_size=3)


def without(value: JSON, data: st.DataObject) -> JSON:
    """Drop some members of an object, also of those within."""
    if isinstance(value, list):
        return [without(element, data) for element in value]
    if not isinstance(value, dict):
        return value
    kept = data.draw(st.sets(st.sampled_from(sorted(value)))) if value else set()
    return {name: without(value[name], data) for name in kept}


@given(pattern=positive_patterns, members=documents, data=st.data())
def test_less_input_never_matches_more(
    pattern: JSON, members: Members, data: st.DataObject
) -> None:
    less = without(members, data)
    assert isinstance(less, dict)
    if ask(pattern, less) is T:
        assert ask(pattern, members) is T
