"""Claim rules are linted before they are saved, and compiled without ever failing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.claim_bounds import UnwritableClaim, find_name_mistake, measure_claim
from tenants.claim_document import CLAIM_DOCUMENT, RECORD_FIELDS, ClaimInputs, make_claim_document
from tenants.claim_rules import Source, find_value_mistake, lint_condition
from tenants.claim_templates import MAX_NAMES
from tenants.models import ClaimRule
from tests.factories.records import make_claim_rule, make_token_record

if TYPE_CHECKING:
    from tenants.records import JSON

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SOURCES = [str(source) for source in Source]


def test_sources_are_those_of_the_model() -> None:
    assert set(SOURCES) == set(ClaimRule.Source.values)


@pytest.mark.parametrize(
    ("source", "value", "mistake"),
    [
        pytest.param("constant", [1, "a", None], "", id="constant"),
        pytest.param("constant", None, "Null counts as absent", id="null"),
        pytest.param("constant", float("nan"), "No token can carry this", id="not-a-number"),
        pytest.param("constant", "\ud800", "No token can carry this", id="half-a-surrogate"),
        pytest.param("record", "client_id", "", id="field"),
        pytest.param("record", "client", "Did you mean client_id?", id="misspelt"),
        pytest.param("record", "client_id.x", "Claim rules know no client_id.x", id="below-a-text"),
        pytest.param("record", "subject.attributes.x", "", id="attribute-by-its-path"),
        pytest.param("record", "__class__", "Claim rules know no __class__", id="dunder"),
        pytest.param("record", "", "Name what is read", id="empty"),
        pytest.param("record", None, "Name what is read", id="no-name"),
        pytest.param("subject_attribute", ["a.b", "c"], "", id="list-of-names"),
        pytest.param("subject_attribute", ["a", 7], "Name what is read", id="name-is-no-text"),
        pytest.param("foreign_claim", "x" * 201, "at most", id="long-step"),
        pytest.param("template", "${foreign.x} ${subject.attributes.y} $$", "", id="template"),
        pytest.param("template", "${subject}", "Name an attribute", id="whole-subject"),
        pytest.param("template", "${foreign}", "Name a claim", id="whole-token"),
        pytest.param("template", "${ client_id }", "Claim rules know no", id="spaces-inside"),
        pytest.param("template", "${client_id}" * (MAX_NAMES + 1), "at most", id="many-names"),
        pytest.param("template", "", "at most", id="empty-template"),
        pytest.param("template", "${client_id", "Write ${name}", id="open"),
        pytest.param("template", "${a$$b}", "Write ${name}", id="dollar-inside"),
        pytest.param("other", "x", "Name what is read", id="unknown-source"),
        pytest.param("constant", {"a": ["\x00"]}, "NUL", id="constant-with-nul"),
        pytest.param("template", "a\x00", "NUL", id="template-with-nul"),
        pytest.param("subject_attribute", ["a\x00"], "NUL", id="name-with-nul"),
        pytest.param("subject_attribute", {"a": "b", "c": ["d.e", "f"]}, "", id="object"),
        pytest.param("record", {"a": "client_id", "b": "client"}, "Did you mean", id="misspelt-in"),
        pytest.param("record", {}, "Name what is read", id="no-members"),
        pytest.param("record", {"a": {"b": "client_id"}}, "Name what is read", id="object-in-one"),
        pytest.param("record", {"": "client_id"}, "Name what is read", id="empty-member"),
        pytest.param("record", {"__proto__": "client_id"}, "Name what is read", id="prototype"),
        pytest.param("record", {1: "client_id"}, "Name what is read", id="number-as-member"),
        pytest.param("record", {"a\x00": "client_id"}, "Name what is read", id="member-with-nul"),
        pytest.param(
            "record",
            {f"m{number}": "client_id" for number in range(21)},
            "Name what is read",
            id="many-members",
        ),
    ],
)
def test_value_is_linted_by_its_source(source: str, value: JSON, mistake: str) -> None:
    found = find_value_mistake(source, value)
    assert (mistake in found) if mistake else not found


@pytest.mark.parametrize(
    ("condition", "is_right"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"grant_type": {"$enum": ["a", "b"]}}, True, id="enum"),
        pytest.param({"subject": {"attributes": {"x": {"y": 1}}}}, True, id="deep-attribute"),
        pytest.param({"subject": {"attributes": {"$one-of": [{"x": 1}]}}}, True, id="one-of"),
        pytest.param({"foreign": {"x": {"$ref": "subject.attributes.y"}}}, True, id="reference"),
        pytest.param({"foreign": {"x": {"$ref": "client.kind"}}}, False, id="reference-elsewhere"),
        pytest.param({"foreign": {"$present": True}}, False, id="whole-token"),
        pytest.param({"subject": {"attributes": {"$present": True}}}, False, id="whole-subject"),
        pytest.param({"client": {"kind": "service"}}, False, id="of-the-request-document"),
        pytest.param({"issued_at": "noon"}, False, id="never-equal"),
        pytest.param({"client_id": {"$regex": "(?=x)"}}, False, id="look-around"),
        pytest.param(None, False, id="null"),
        pytest.param("x", False, id="text"),
        pytest.param({"foreign": {"a": {"b": [["x"] * 2_000]}}}, False, id="large"),
    ],
)
def test_condition_is_linted_against_what_rules_may_read(
    condition: JSON, *, is_right: bool
) -> None:
    assert (not list(lint_condition(condition))) == is_right


@given(source=st.sampled_from(SOURCES) | st.text(), value=JSONS, condition=JSONS)
def test_no_rule_breaks_when_it_is_compiled_or_applied(
    source: str, value: JSON, condition: JSON
) -> None:
    rule = make_claim_rule("c", value, source=source, condition=condition)
    document = make_claim_document(make_token_record(), ClaimInputs('{"a": {"b": 1}}', {"c": [1]}))
    rule.read(document)
    rule.holds(document)


def test_rule_names_what_it_reads_of_subject_and_outside_token() -> None:
    rule = make_claim_rule(
        "c",
        "${subject.attributes.a.deep} ${foreign.b} ${client_id}",
        source="template",
        condition={
            "subject": {"attributes": {"$one-of": [{"c": 1}, {"d": {"$present": True}}]}},
            "foreign": {"e": {"$contains": {"$ref": "subject.attributes.f"}}},
        },
    )
    assert rule.attributes == {"a", "c", "d", "f"}
    assert rule.foreign_claims == {"b", "e"}
    members: JSON = {"x": "g.deep", "y": "h"}
    assert make_claim_rule("c", members, source="subject_attribute").attributes == {"g", "h"}


@given(JSONS)
def test_what_is_measured_is_json(value: JSON) -> None:
    try:
        size = measure_claim(value)
    except UnwritableClaim:
        return
    assert size > 0


@pytest.mark.parametrize(
    ("name", "is_right"),
    [
        pytest.param("region", True, id="plain"),
        pytest.param("https://claims.example/x", True, id="url"),
        pytest.param("a b", True, id="space-inside"),
        pytest.param("\u00fcber", True, id="other-letters"),
        pytest.param("exp", False, id="reserved"),
        pytest.param("urn:onegini.com:oidc:x", False, id="below-onewelcomes"),
        pytest.param("urn:authplatform:x", False, id="below-the-platforms"),
        pytest.param("verified_claims", False, id="vouched-for"),
        pytest.param("user_details", True, id="details-of-the-user"),
        pytest.param("", False, id="empty"),
        pytest.param("x" * 201, False, id="long"),
        pytest.param("a\x00", False, id="nul"),
        pytest.param("a\u202eb", False, id="invisible"),
        pytest.param("\ud800", False, id="half-a-surrogate"),
        pytest.param("__proto__", False, id="prototype"),
        pytest.param(7, False, id="number"),
        pytest.param(None, False, id="none"),
    ],
)
def test_names_of_claims_are_held_to_what_readers_understand(
    name: object, *, is_right: bool
) -> None:
    assert (not find_name_mistake(name)) == is_right


def test_document_has_a_line_for_every_field() -> None:
    members = CLAIM_DOCUMENT.members or {}
    assert set(members) == {*RECORD_FIELDS, "subject", "foreign"}
    document = make_claim_document(make_token_record(), ClaimInputs())
    for name, known in RECORD_FIELDS.items():
        assert known.field.is_optional or name in document.members
