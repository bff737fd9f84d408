"""Over schemas that the linter passes, a request that lacks something never satisfies more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tenants.policy_document import Document
from tenants.policy_engines import Severity, compile_rule, lint
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

names = st.sampled_from(["a", "b"])
scalars = st.sampled_from(["a", "b", 1, True])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=6,
)
leaves = st.one_of(
    st.builds(lambda value: {"const": value}, scalars),
    st.builds(lambda text: {"type": "string", "pattern": text}, st.sampled_from(["^a$", "^[ab]$"])),
    st.just({"pattern": "^a$"}),
    st.just({"type": "number", "minimum": 1}),
    st.just({"minimum": 1}),
)


def of_objects(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    """Schemas of objects, sound and unsound: names may be required, and types told, or not."""
    maps = st.dictionaries(names, inner, min_size=1, max_size=2)
    parts: dict[str, st.SearchStrategy[Any]] = {
        "type": st.just("object"),
        "required": st.just(["a", "b"]) | st.just(["a"]),
        "properties": maps,
        "patternProperties": st.builds(lambda part: {"^a$": part}, inner),
        "additionalProperties": inner,
        "dependentRequired": st.just({"a": ["b"]}),
        "dependentSchemas": maps,
        "minProperties": st.just(1),
        "if": inner,
        "then": inner,
    }
    return st.fixed_dictionaries({}, optional=parts)


def of_lists(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    """Schemas of lists, sound and unsound: an empty one may pass or not."""
    parts: dict[str, st.SearchStrategy[Any]] = {
        "type": st.just("array"),
        "contains": inner,
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "minItems": st.integers(0, 2),
        "minContains": st.integers(0, 1),
    }
    return st.fixed_dictionaries({}, optional=parts)


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        of_objects(inner),
        of_objects(inner),
        of_lists(inner),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda parts: {"allOf": parts}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=6,
)


def without(value: JSON, data: st.DataObject) -> JSON:
    """Drop some members of an object, also of those within."""
    if isinstance(value, list):
        return [without(element, data) for element in value]
    if not isinstance(value, dict):
        return value
    kept = data.draw(st.sets(st.sampled_from(sorted(value)))) if value else set()
    return {name: without(value[name], data) for name in sorted(kept)}


@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
@given(schema=schemas, claims=st.dictionaries(names, values, max_size=2), data=st.data())
def test_less_input_never_satisfies_more(
    schema: JSON, claims: dict[str, JSON], data: st.DataObject
) -> None:
    rule: JSON = {"required": ["claims"], "properties": {"claims": schema}}
    findings = lint("allow", "schema", rule)
    assume(not any(finding.severity is Severity.ERROR for finding in findings))
    evaluate = compile_rule("schema", rule)
    members: Members = {"claims": claims}
    less = without(members, data)
    assert isinstance(less, dict)
    if evaluate(Document(less.get, less)) is Verdict.TRUE:
        assert evaluate(Document(members.get, members)) is Verdict.TRUE
