"""The linter of patterns names the place and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tenants.policy_document import Document
from tenants.policy_engines import compile_rule, lint
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON


def errors(rule: JSON, effect: str = "allow") -> list[tuple[str, str]]:
    return [(found.path, found.message) for found in lint(effect, "match", rule)]


@pytest.mark.parametrize(
    "rule",
    [
        {"client": {"kind": "service"}},
        {"claims": {"role": "admin", "deep": {"er": 1}}},
        {"scopes": {"$contains": "read", "$every": {"$regex": "[a-z]+"}}},
        {"apis": {"$contains": {"slug": {"$enum": ["profile"]}}}},
        {"time": {"hour": {"$one-of": [8, 9]}}},
        {"subject": {"id": {"$ref": "on_behalf.subject"}}},
        {"claims": {"sub": {"$ref": ["claims", "https://x.example/sub"]}}},
        {"groups": {"$absent": True}},
        {"claims": {"list": {"$contains": {"type": "a"}}}},
    ],
    ids=str,
)
def test_sound_pattern_of_an_allow_has_no_findings(rule: JSON) -> None:
    assert errors(rule) == []


@pytest.mark.parametrize(
    ("rule", "path", "part"),
    [
        ("service", "", "The rule is a pattern"),
        (None, "", "The rule is a pattern"),
        ({}, "", "An empty pattern"),
        ({"$one-of": [{"version": 1}]}, "/$one-of", "below a name"),
        ({"client": {}}, "/client", "An empty pattern"),
        ({"clients": "a"}, "/clients", "no clients here. Did you mean client?"),
        ({"client": {"knid": "a"}}, "/client/knid", "Did you mean kind?"),
        ({"zzz": "a"}, "/zzz", "no zzz here."),
        ({"client": {"kind": {"of": 1}}}, "/client/kind/of", "A text has no members"),
        ({"client": {"kind": {"$enmu": ["a"]}}}, "/client/kind/$enmu", "Did you mean $enum?"),
        ({"client": {"kind": None}}, "/client/kind", "Null counts as absent"),
        ({"client": {"kind": ["a"]}}, "/client/kind", "A list is no pattern"),
        ({"client": {"kind": 1}}, "/client/kind", "never equal to a number"),
        ({"scopes": "read"}, "/scopes", "never equal to a text"),
        ({"scopes": {"$contains": 1}}, "/scopes/$contains", "never equal to a number"),
        ({"client": {"kind": {"$contains": "a"}}}, "/client/kind/$contains", "asks a list"),
        ({"scopes": {"$regex": "a"}}, "/scopes/$regex", "asks a text"),
        ({"client": {"kind": {"$enum": []}}}, "/client/kind/$enum", "not empty"),
        ({"client": {"kind": {"$enum": "a"}}}, "/client/kind/$enum", "takes a list"),
        ({"client": {"kind": {"$enum": [{}]}}}, "/client/kind/$enum/0", "use $one-of"),
        ({"client": {"kind": {"$enum": ["a", 1]}}}, "/client/kind/$enum/1", "never equal"),
        ({"client": {"kind": {"$one-of": []}}}, "/client/kind/$one-of", "not empty"),
        ({"client": {"kind": {"$one-of": ["a", "a"]}}}, "/client/kind/$one-of/1", "The same"),
        ({"groups": {"$present": False}}, "/groups/$present", "the opposite is $absent"),
        ({"groups": {"$absent": 1}}, "/groups/$absent", "the opposite is $present"),
        ({"groups": {"$absent": True, "$every": "a"}}, "/groups/$absent", "never matches"),
        ({"client": {"kind": {"$regex": "(?=a)"}}}, "/client/kind/$regex", "RE2 refuses"),
        ({"client": {"kind": {"$regex": 1}}}, "/client/kind/$regex", "is a text of at most"),
        ({"client": {"kind": {"$ref": ""}}}, "/client/kind/$ref", "empty step"),
        ({"client": {"kind": {"$ref": 5}}}, "/client/kind/$ref", "is a path"),
        ({"client": {"kind": {"$ref": "client.knid"}}}, "/client/kind/$ref", "mean kind?"),
        (
            {"client": {"kind": {"$ref": "client.kind.of"}}},
            "/client/kind/$ref",
            "no client.kind.of",
        ),
    ],
    ids=str,
)
def test_finding_names_place_and_remedy(rule: JSON, path: str, part: str) -> None:
    found = [message for where, message in errors(rule) if where == path]
    assert len(found) == 1
    assert part in found[0]


UNGUARDED = [
    pytest.param({"claims": {"role": "admin"}}, "/claims/role", id="literal"),
    pytest.param({"claims": {"role": {"$enum": ["a"]}}}, "/claims/role/$enum", id="enum"),
    pytest.param({"groups": {"$contains": "a"}}, "/groups/$contains", id="contains"),
    pytest.param({"address": {"$regex": "a"}}, "/address/$regex", id="regex"),
    pytest.param({"subject": {"id": "a"}}, "/subject/id", id="member-of-optional"),
    pytest.param({"address": {"$one-of": ["a"]}}, "/address/$one-of/0", id="one-of"),
    pytest.param(
        {"claims": {"$present": True, "role": "a"}}, "/claims/role", id="guard-too-far-out"
    ),
    pytest.param({"client": {"id": {"$ref": "subject.id"}}}, "/client/id/$ref", id="target"),
    pytest.param(
        {"claims": {"list": {"$present": True, "$contains": {"type": "a"}}}},
        "/claims/list/$contains/type",
        id="within-elements",
    ),
]


@pytest.mark.parametrize(("rule", "path"), UNGUARDED)
def test_deny_that_compares_what_may_be_absent_needs_a_guard(rule: JSON, path: str) -> None:
    assert [where for where, message in errors(rule, "deny") if "$present" in message] == [path]
    assert errors(rule, "allow") == []
    assert errors(rule, "limit") == []


@pytest.mark.parametrize(
    "rule",
    [
        {"claims": {"role": {"$present": True, "$enum": ["admin"]}}},
        {"groups": {"$present": True, "$contains": "a"}},
        {"subject": {"$present": True, "id": "a"}},
        {"address": {"$present": True, "$one-of": ["a", {"$regex": "b"}]}},
        {"client": {"id": {"$ref": "subject.id"}}, "subject": {"$present": True}},
        {"client": {"id": {"$ref": "subject.id"}}, "subject": {"id": {"$present": True}}},
        {"client": {"kind": "spa"}, "scopes": {"$contains": "a"}},
        {"claims": {"role": {"$absent": True}}},
        {"apis": {"$contains": {"slug": "a"}}},
    ],
    ids=str,
)
def test_guarded_deny_is_sound(rule: JSON) -> None:
    assert errors(rule, "deny") == []


names = st.sampled_from(["a", "b"])
present: dict[str, Any] = {"$present": True}
leaves = st.sampled_from(
    [
        *("a", present, {"$absent": True}, {"$enum": ["a"]}, {"$regex": "a"}, {"$ref": "claims.b"}),
        *({**present, "$enum": ["a"]}, {**present, "$regex": "a"}),
        *({**present, "$ref": "claims.b"}, {**present, "$ref": "subject.id"}),
    ]
)


def patterns_around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Patterns around others, guarded or not."""
    members = st.dictionaries(names, inner, min_size=1, max_size=2)
    options = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        members,
        members.map(lambda parts: {**present, **parts}),
        options.map(lambda parts: {"$one-of": parts}),
        options.map(lambda parts: {**present, "$one-of": parts}),
        inner.map(lambda part: {"$contains": part}),
        inner.map(lambda part: {**present, "$every": part}),
    )


@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    claims=st.recursive(leaves, patterns_around, max_leaves=4),
    subject=st.sampled_from([{}, {"subject": present}, {"subject": {"id": present}}]),
)
def test_a_deny_without_findings_is_decided_for_whoever_lacks_everything(
    claims: JSON, subject: dict[str, JSON]
) -> None:
    rule: JSON = {**subject, "claims": claims}
    assume(not lint("deny", "match", rule))
    evaluate = compile_rule("match", rule)
    lacking: tuple[Members, ...] = ({}, {"claims": {}})
    for members in lacking:
        assert evaluate(Document(members.get, members)) is not Verdict.INDETERMINATE
