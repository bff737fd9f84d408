"""A JSON Schema rule passes by what is there, in bounded time, and fetches nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tenants.policy_document import Document
from tenants.policy_engines import Severity, compile_rule, lint
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.INDETERMINATE
MEMBERS: Members = {"client": {"kind": "service"}, "scopes": ["read"], "claims": {"role": "admin"}}


def ask(rule: JSON, members: Members = MEMBERS) -> Verdict:
    return compile_rule("schema", rule)(Document(members.get, members))


def within(schema: JSON, name: str = "claims") -> dict[str, JSON]:
    return {"properties": {name: schema}, "required": [name]}


ROLE: JSON = {"required": ["role"], "properties": {"role": {"const": "admin"}}}


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({"properties": {"client": {"properties": {"kind": {"enum": ["service"]}}}}}, T),
        ({"properties": {"client": {"properties": {"kind": {"enum": ["web"]}}}}}, F),
        (within(ROLE), T),
        ({"required": ["groups"]}, F),
        ({**within({"$ref": "#/$defs/role"}), "$defs": {"role": ROLE}}, T),
        ({"not": {"required": ["claims"]}}, F),
    ],
    ids=str,
)
def test_schema(rule: JSON, verdict: Verdict) -> None:
    assert ask(rule) is verdict


LOOP: JSON = {
    "$ref": "#/$defs/a",
    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
}
# Each definition refers to the next one twice: 2^20 visits.
BOMB: JSON = {
    "$ref": "#/$defs/0",
    "$defs": {
        "20": {"type": "object"},
        **{str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(20)},
    },
}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(None, id="nothing"),
        pytest.param(True, id="boolean"),
        pytest.param({"type": "nonsense"}, id="invalid"),
        pytest.param({"$ref": "#"}, id="itself"),
        pytest.param(LOOP, id="loop"),
        pytest.param(BOMB, id="bomb"),
        pytest.param({"$ref": "http://127.0.0.1:9/schema"}, id="remote"),
        pytest.param({"$ref": "https://json-schema.org/draft/2020-12/schema"}, id="dialect"),
        pytest.param({"$ref": "#/$defs/no"}, id="dangling"),
        pytest.param({"$ref": 1}, id="number"),
        pytest.param({"$defs": []}, id="defs"),
        pytest.param({"pattern": "(?=a)"}, id="look-ahead"),
    ],
)
def test_schema_that_cant_be_compiled_is_refused_and_indeterminate(rule: JSON) -> None:
    assert ask(rule) is U
    assert [f for f in lint("allow", "schema", rule) if f.severity is Severity.ERROR]


def test_list_that_is_not_of_schemas_is_no_way_around_the_bounds() -> None:
    assert ask({"allOf": {"a": LOOP}}) is U
    assert ask({"properties": [LOOP]}) is U


def test_pattern_runs_in_linear_time() -> None:
    rule = within(within({"type": "string", "pattern": "^(a+)+$"}, "role"))
    began = time.monotonic()
    assert ask(rule, {"claims": {"role": "a" * 40_000 + "b"}}) is F
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"client": {"properties": {"kind": {"enum": ["service"]}}}}},
        within({"required": ["role"], "properties": {"role": {"type": "string", "maxLength": 9}}}),
        within({"items": {"pattern": "^read$"}, "minItems": 1}, "scopes"),
        within({"contains": {"const": "read"}}, "scopes"),
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "required": ["groups"]},
        {"anyOf": [within({"const": "a"}, "address"), within({"type": "object"})]},
        {"not": {"required": ["groups"]}, "$comment": "", "title": "", "description": ""},
        within(within({"not": {"const": "guest"}}, "role")),
        within({"required": ["role"], "additionalProperties": False}),
        within({"patternProperties": {"^x-": False}, "minProperties": 1}),
        within({"if": {"required": ["role"]}, "then": {"required": ["sub"]}, "else": False}),
        within(within({"type": "integer", "minimum": 5}, "level")),
        within({"prefixItems": [{"const": "a"}, {}], "items": False, "minItems": 2}, "scopes"),
        within({"pattern": r"^(10\.1|[|$]|\(a)$"}, "address"),
    ],
    ids=str,
)
def test_sound_schema_has_no_findings(rule: JSON) -> None:
    assert lint("allow", "schema", rule) == []
    assert lint("deny", "schema", rule) == []


ABSENT = [
    pytest.param({"properties": {"groups": {"contains": {"const": "a"}}}}, "groups", id="optional"),
    pytest.param(within({"properties": {"r": {"const": "a"}}}), "claims/properties/r", id="claim"),
    pytest.param(within(within({"minLength": 1}, "r")), "claims/properties/r/minLength", id="kind"),
    pytest.param(within(within(ROLE, "r")), "claims/properties/r/properties", id="kind-object"),
    pytest.param(within({"items": {"const": "a"}}, "scopes"), "scopes/items", id="empty-list"),
    pytest.param(
        within({"items": {"const": "a"}, "minItems": 0}, "scopes"), "scopes/items", id="no-items"
    ),
    pytest.param(
        within({"prefixItems": [{"const": "a"}, {"const": "b"}], "minItems": 1}, "scopes"),
        "scopes/prefixItems",
        id="short-list",
    ),
    pytest.param(
        within({"contains": {"const": "a"}, "minContains": 0}, "scopes"),
        "scopes/minContains",
        id="contains-none",
    ),
    pytest.param(
        within({"patternProperties": {"^role$": {"const": "admin"}}}),
        "claims/patternProperties/^role$",
        id="pattern-of-names",
    ),
    pytest.param(
        within({"additionalProperties": {"const": "admin"}}),
        "claims/additionalProperties",
        id="other-members",
    ),
    pytest.param(
        within({"dependentSchemas": {"role": {"required": ["sub"]}}}),
        "claims/dependentSchemas/role",
        id="dependent-schema",
    ),
    pytest.param(
        within({"dependentRequired": {"role": ["sub"]}}),
        "claims/dependentRequired/role",
        id="dependent-names",
    ),
    pytest.param(
        within({"if": {"required": ["role"]}, "then": {"required": ["sub"]}}),
        "claims/if",
        id="condition",
    ),
    pytest.param(
        within({"not": {"required": ["role"], "properties": {"role": {"const": "guest"}}}}),
        "claims/not",
        id="negation",
    ),
    pytest.param(
        within({"not": {"anyOf": [{"required": ["role"]}, {"required": ["sub"]}]}}),
        "claims/not",
        id="negation-below",
    ),
    pytest.param(
        within(within({"type": ["string", "array"], "pattern": "^a$"}, "r")),
        "claims/properties/r/pattern",
        id="one-of-two-kinds",
    ),
    pytest.param(
        within(within({"type": "string", "minimum": 5}, "r")),
        "claims/properties/r/minimum",
        id="keyword-of-another-kind",
    ),
    pytest.param(within({"pattern": "^a$"}, "scopes"), "scopes/pattern", id="kind-of-document"),
]


@pytest.mark.parametrize(("rule", "path"), ABSENT)
def test_what_is_satisfied_by_absence_is_found(rule: JSON, path: str) -> None:
    for effect, severity in (("allow", "error"), ("deny", "error"), ("limit", "warning")):
        found = {f.path: f.severity for f in lint(effect, "schema", rule)}
        assert found[f"/properties/{path}"] == severity


@pytest.mark.parametrize(
    ("rule", "path", "part"),
    [
        ([], "", "The rule is a JSON Schema"),
        ({}, "", "The rule is a JSON Schema"),
        ({"requiredd": []}, "/requiredd", "Did you mean required?"),
        ({"format": "date"}, "/format", "format checks nothing"),
        ({"$id": "https://x.example"}, "/$id", "leave $id out"),
        ({"$dynamicRef": "#a"}, "/$dynamicRef", "not offered"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "Only"),
        ({"required": ["groupz"]}, "/properties/groupz", "Did you mean groups?"),
        ({"required": 1}, "", "can't be compiled"),
        (within({"pattern": "a"}, "address"), "/properties/address/pattern", "begin it with ^"),
        (within({"pattern": "^a|b$"}, "address"), "/properties/address/pattern", "^(a|b)$"),
        (within({"pattern": "^a(b|c)\\$"}, "address"), "/properties/address/pattern", "with $"),
        ({"type": "object"}, "", "says nothing"),
        ({"$defs": {"a": {"const": 1}}, "title": "x"}, "", "says nothing"),
        ({"allOf": [{"properties": {"cliant": True}}]}, "/allOf/0/properties/cliant", "client?"),
        (
            within({"contains": {"properties": {"slgu": True}}}, "apis"),
            "/properties/apis/contains/properties/slgu",
            "Did you mean slug?",
        ),
        ({"propertyNames": {"$anchor": "a"}}, "/propertyNames/$anchor", "leave $anchor out"),
    ],
    ids=str,
)
def test_finding_names_place_and_remedy(rule: JSON, path: str, part: str) -> None:
    assert any(f.path == path and part in f.message for f in lint("allow", "schema", rule))
