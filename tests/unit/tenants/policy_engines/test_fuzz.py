"""Over any rule and any document, an engine answers a verdict and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.policy import decide
from tenants.policy_document import DOCUMENT, Document
from tenants.policy_engines import ENGINES, Severity, compile_rule, lint
from tenants.policy_engines.match import OPERATORS
from tenants.policy_engines.schema import KEYWORDS
from tenants.records import Verdict
from tests.factories.records import (
    make_api,
    make_client,
    make_policy,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
)

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

PROFILE = make_api("profile")
READ = make_scope(PROFILE, "read")
CLIENT = make_client(READ)

members_of_documents = st.sampled_from(sorted(DOCUMENT.members or {}))
names = st.one_of(
    members_of_documents,
    st.sampled_from(["id", "kind", "role", *OPERATORS]),
    st.sampled_from(sorted(KEYWORDS)),
    st.text(max_size=3),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["service", "object", "string", "#/$defs/a", "(a", "client.kind", "^a$"]),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
words = st.sampled_from(
    [
        *("permit", "forbid", "principal", "action", "resource", "when", "context", "client"),
        *("has", "kind", "Client", "if", "then", "else", "like", "in", "is", '"a"', "1", "\n"),
        *("{", "}", "(", ")", "[", "]", ";", ",", ".", "==", "&&", "::", "!", "-", "//"),
    ]
)
cedar_texts = st.lists(words, max_size=30).map(" ".join)
engines = st.sampled_from([*ENGINES, "no-such"])
rules = st.one_of(
    st.tuples(engines, json_values),
    st.tuples(st.just("cedar"), cedar_texts),
    st.tuples(
        st.sampled_from(["all", "any"]),
        st.lists(
            st.fixed_dictionaries({"engine": engines, "rule": json_values | cedar_texts}),
            max_size=3,
        ),
    ),
)
documents = st.dictionaries(members_of_documents, json_values, max_size=4)
object_values = st.dictionaries(st.text(max_size=3) | st.just("role"), json_values, max_size=3)


@settings(max_examples=300)
@given(rule=rules, members=documents)
def test_every_rule_answers_a_verdict(rule: tuple[str, JSON], members: Members) -> None:
    verdict = compile_rule(*rule)(Document(members.get, members))
    assert verdict in {Verdict.TRUE, Verdict.FALSE, Verdict.INDETERMINATE}


@settings(max_examples=200)
@given(rule=rules, effect=st.sampled_from(["allow", "deny", "limit"]))
def test_linter_survives_every_rule(rule: tuple[str, JSON], effect: str) -> None:
    assert all(finding.message for finding in lint(effect, *rule))


@settings(max_examples=200)
@given(rule=rules, members=documents)
def test_rule_that_cant_be_compiled_is_found(rule: tuple[str, JSON], members: Members) -> None:
    errors = [f for f in lint("allow", *rule) if f.severity is Severity.ERROR]
    broken = compile_rule(*rule).__name__ == "indeterminate"
    assert not broken or errors
    del members


@settings(max_examples=200)
@given(
    rule=rules,
    effect=st.sampled_from(["allow", "deny", "limit", "odd"]),
    claims=st.none() | object_values,
    context=st.none() | object_values,
    groups=st.none() | st.lists(st.text(max_size=3)).map(tuple),
    subject=st.none() | st.just(make_subject()),
)
def test_whatever_a_policy_says_only_true_allows(
    rule: tuple[str, JSON], effect: str, **request_facts: object
) -> None:
    engine, written = rule
    policy = make_policy(effect=effect, engine=engine, rule=written, limit_lifetime_seconds=60)
    tenant = make_tenant([PROFILE], [READ], policies=(policy,))
    decision = decide(make_request(CLIENT, "read", **request_facts), tenant)
    (result,) = decision.policies
    assert decision.is_allowed == (effect == "allow" and result.verdict is Verdict.TRUE)
