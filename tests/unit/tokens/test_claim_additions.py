"""Claim rules add what they say where they match, and a token gets all of it or is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.claim_bounds import MAX_CLAIM_BYTES
from tenants.claim_document import ClaimInputs
from tenants.records import RESERVED_CLAIMS, ClaimRuleRecord, MembershipRecord
from tests.factories.records import TOKEN_ID, Changes, make_claim_rule, make_token_record
from tokens.claim_additions import make_claims, make_rule_claims, select_rules, tell_claims
from tokens.claim_profiles import PROFILES, get
from tokens.claim_refusals import ClaimsRefused
from tokens.claims import build_claims

if TYPE_CHECKING:
    from tenants.records import JSON, TokenRecord
    from tokens.claim_profiles import ClaimProfileData

API, CLIENT = uuid4(), uuid4()
PROFILE = get("rfc9068")
RECORD = make_token_record(
    subject="alice",
    grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
    memberships=(MembershipRecord(TOKEN_ID, "staff", "", ("read", "write")),),
)
ATTRIBUTES = (
    '{"department": "sales", "level": 3, "is_new": true, "ratio": 1.5, "tags": ["a", "b"],'
    ' "none": null, "manager": {"name": "bob"}, "a.b": "dotted", "dollar": "${client_id}",'
    ' "unicode": "\\u00fc\\u0000\\u202e", "endless": 123456789012345678901234567890}'
)
FOREIGN: dict[str, JSON] = {
    "department": "purchase",
    "realm_access": {"roles": ["buyer"]},
    "https://idp.example/tier": "gold",
    "email": "a@b.example",
}
INPUTS = ClaimInputs(ATTRIBUTES, FOREIGN)


def matching(*rules: ClaimRuleRecord) -> tuple[ClaimRuleRecord, ...]:
    grants = ("refresh_token", "client_credentials")
    return select_rules(rules, api_ids=(uuid4(), API), client_id=CLIENT, grant_types=grants)


def added(
    *rules: ClaimRuleRecord, record: TokenRecord = RECORD, inputs: ClaimInputs = INPUTS
) -> dict[str, JSON]:
    made = make_claims(PROFILE, record, matching(*rules), inputs, is_dual=False)
    plain = build_claims(PROFILE, record)
    assert {name: made.claims[name] for name in plain} == plain
    new = {name: value for name, value in made.claims.items() if name not in plain}
    assert set(made.added_by) == set(new)
    return new


def value_of(source: str, value: JSON, **changes: Changes) -> JSON:
    return added(make_claim_rule("made", value, source=source), **changes).get("made")


# Links.


@pytest.mark.parametrize(
    ("links", "is_applied"),
    [
        pytest.param({}, True, id="no-links"),
        pytest.param({"api_id": API}, True, id="api"),
        pytest.param({"client_id": CLIENT}, True, id="client"),
        pytest.param({"grant_type": "client_credentials"}, True, id="grant"),
        pytest.param({"api_id": uuid4()}, False, id="other-api"),
        pytest.param({"client_id": uuid4()}, False, id="other-client"),
        pytest.param({"grant_type": "authorization_code"}, False, id="other-grant"),
        pytest.param({"api_id": API, "client_id": uuid4()}, False, id="one-of-two"),
    ],
)
def test_rule_applies_where_all_its_links_match(links: Changes, *, is_applied: bool) -> None:
    assert added(make_claim_rule(**links)) == ({"region": "eu"} if is_applied else {})


def test_rule_with_more_links_wins_in_either_order() -> None:
    broad, narrow = make_claim_rule(), make_claim_rule(value="ch", api_id=API)
    assert added(broad, narrow) == added(narrow, broad) == {"region": "ch"}


def test_later_slug_wins_among_rules_with_as_many_links() -> None:
    first = make_claim_rule(value="first", slug="a-b")
    last = make_claim_rule(value="last", slug="aa")
    assert added(first, last) == added(last, first) == {"region": "last"}


def test_rule_with_more_links_and_no_value_leaves_the_other() -> None:
    narrow = make_claim_rule(value="subject.nothing", source="foreign_claim", api_id=API)
    assert added(make_claim_rule(), narrow) == {"region": "eu"}


def test_no_rules_are_no_claims() -> None:
    assert added() == {}


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_reserved_claim_can_never_be_set(claim: str) -> None:
    assert added(make_claim_rule(claim, "forged")) == {}


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("urn:onegini.com:oidc:group_policies:x", id="onewelcome"),
        pytest.param("urn:onegini.com:oidc:sub", id="onewelcome-sub"),
        pytest.param("urn:authplatform:anything", id="platform"),
    ],
)
def test_claim_below_a_reserved_name_can_never_be_set(claim: str) -> None:
    assert added(make_claim_rule(claim, "forged")) == {}


@given(
    profile=st.sampled_from(list(PROFILES.values())),
    names=st.lists(st.text(max_size=8) | st.sampled_from(sorted(RESERVED_CLAIMS)), max_size=8),
    is_dual=st.booleans(),
)
def test_added_claims_change_no_other(
    profile: ClaimProfileData, names: list[str], *, is_dual: bool
) -> None:
    plain = build_claims(profile, RECORD, is_dual=is_dual)
    rules = matching(*[make_claim_rule(name, "added") for name in names])
    claims = make_claims(profile, RECORD, rules, INPUTS, is_dual=is_dual).claims
    assert {name: claims[name] for name in plain} == plain
    assert set(claims) - set(plain) == set(names) - RESERVED_CLAIMS


# Sources.


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        pytest.param("constant", {"a": [1, None]}, {"a": [1, None]}, id="constant"),
        pytest.param("constant", "${client_id}", "${client_id}", id="constant-is-no-template"),
        pytest.param("record", "client_id", "api-client", id="record-text"),
        pytest.param("record", "scopes", ["read"], id="record-list"),
        pytest.param("record", "expires_at", 1_700_003_600, id="record-number"),
        pytest.param("record", "subject_id", "alice", id="record-subject"),
        pytest.param("record", "groups", ["staff"], id="record-groups"),
        pytest.param("record", "permissions", ["read", "write"], id="record-permissions"),
        pytest.param("record", "actor", None, id="record-absent"),
        pytest.param("record", "signing_key", None, id="record-unknown"),
        pytest.param("record", "__class__", None, id="record-dunder"),
        pytest.param("subject_attribute", "department", "sales", id="attribute"),
        pytest.param("subject_attribute", "manager.name", "bob", id="attribute-path"),
        pytest.param("subject_attribute", ["a.b"], "dotted", id="attribute-with-a-dot"),
        pytest.param("subject_attribute", "none", None, id="attribute-null"),
        pytest.param("subject_attribute", "department.x", None, id="attribute-below-a-text"),
        pytest.param("subject_attribute", "dollar", "${client_id}", id="attribute-as-it-is"),
        pytest.param("foreign_claim", "department", "purchase", id="foreign"),
        pytest.param("foreign_claim", "realm_access.roles", ["buyer"], id="foreign-path"),
        pytest.param("foreign_claim", ["https://idp.example/tier"], "gold", id="foreign-url"),
        pytest.param("foreign_claim", "nothing", None, id="foreign-absent"),
        pytest.param("foreign_claim", 7, None, id="foreign-no-name"),
        pytest.param("template", "plain", "plain", id="template-plain"),
        pytest.param("template", "${tenant_slug}/${client_id}", "globex/api-client", id="template"),
        pytest.param("template", "$$${client_id}$$", "$api-client$", id="template-dollars"),
        pytest.param("template", "{${subject_id}}", "{alice}", id="template-braces"),
        pytest.param("template", "l${subject.attributes.level}", "l3", id="template-number"),
        pytest.param("template", "${subject.attributes.is_new}", "true", id="template-boolean"),
        pytest.param("template", "${subject.attributes.ratio}", "1.5", id="template-fraction"),
        pytest.param("template", "x${subject.attributes.dollar}", "x${client_id}", id="not-twice"),
        pytest.param("template", "${foreign.department}", "purchase", id="template-foreign"),
        pytest.param("template", "a ${subject.attributes.nothing}", None, id="template-absent"),
        pytest.param("template", "${subject.attributes.tags}", None, id="template-list"),
        pytest.param("template", "${subject.attributes.manager}", None, id="template-object"),
        pytest.param("template", "${a${client_id}}", None, id="template-nested"),
        pytest.param("template", "${client_id", None, id="template-open"),
        pytest.param("template", "${}", None, id="template-empty"),
        pytest.param("template", "$client_id", None, id="template-bare"),
        pytest.param("template", {"a": 1}, None, id="template-no-text"),
        pytest.param("nonsense", "client_id", None, id="unknown-source"),
        pytest.param(
            "subject_attribute",
            {"dept": "department", "boss": "manager.name", "dotted": ["a.b"], "x": "nothing"},
            {"dept": "sales", "boss": "bob", "dotted": "dotted"},
            id="object",
        ),
        pytest.param("subject_attribute", {"x": "nothing", "y": "none"}, None, id="empty-object"),
        pytest.param("record", {"who": "subject_id"}, {"who": "alice"}, id="object-of-fields"),
        pytest.param("foreign_claim", {"d": "department"}, {"d": "purchase"}, id="object-foreign"),
        pytest.param("subject_attribute", {"a": {"b": "department"}}, None, id="object-in-one"),
        pytest.param("subject_attribute", {}, None, id="no-members"),
        pytest.param("subject_attribute", {"__proto__": "department"}, None, id="prototype"),
    ],
)
def test_value_comes_from_its_source(source: str, value: JSON, expected: JSON) -> None:
    assert value_of(source, value) == expected


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param("", id="none"),
        pytest.param("[]", id="a-list"),
        pytest.param('{"department":', id="cut"),
        pytest.param('{"department": 1, "a": ' + '{"a":' * 40 + "1" + "}" * 41, id="deep"),
        pytest.param('{"department": "x", "many": [' + "1," * 3_000 + "1]}", id="many"),
        pytest.param("[" * 5_000, id="bomb"),
    ],
)
def test_attributes_that_can_not_be_read_are_absent(attributes: str) -> None:
    inputs = ClaimInputs(attributes)
    assert value_of("subject_attribute", "department", inputs=inputs) is None
    assert value_of("template", "${subject.attributes.department}", inputs=inputs) is None


def test_client_alone_has_neither_attributes_nor_foreign_claims() -> None:
    alone = make_token_record()
    for source in ("subject_attribute", "foreign_claim"):
        assert value_of(source, "department", record=alone, inputs=ClaimInputs()) is None


# Conditions.


@pytest.mark.parametrize(
    ("condition", "is_applied"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"client_id": "api-client"}, True, id="field"),
        pytest.param({"client_id": "another"}, False, id="field-differs"),
        pytest.param({"scopes": {"$contains": "read"}}, True, id="list"),
        pytest.param({"groups": {"$contains": "staff"}}, True, id="group"),
        pytest.param({"subject": {"attributes": {"level": 3}}}, True, id="attribute"),
        pytest.param({"subject": {"attributes": {"nothing": 3}}}, False, id="attribute-absent"),
        pytest.param({"foreign": {"email": {"$regex": ".*@b\\.example"}}}, True, id="foreign"),
        pytest.param(
            {"foreign": {"department": {"$ref": "subject.attributes.department"}}},
            False,
            id="reference-differs",
        ),
        pytest.param({"actor": {"$absent": True}}, True, id="absent"),
        pytest.param({"$present": True}, False, id="malformed"),
        pytest.param({"client_id": {"$regex": "("}}, False, id="no-pattern"),
        pytest.param([], True, id="empty-list-counts-as-none"),
        pytest.param(7, False, id="no-object"),
    ],
)
def test_rule_applies_where_its_condition_is_known_to_hold(
    condition: JSON, *, is_applied: bool
) -> None:
    rule = make_claim_rule(condition=condition)
    assert added(rule) == ({"region": "eu"} if is_applied else {})


def test_rule_that_was_never_compiled_adds_nothing() -> None:
    rule = make_claim_rule(condition={"client_id": "api-client"})
    read = make_claim_rule(value="client_id", source="record")
    for made in (rule, read):
        raw = ClaimRuleRecord(
            made.id, made.claim, made.value, source=made.source, condition=made.condition
        )
        assert added(raw) == {}


# Refusals.


def refusal(*rules: ClaimRuleRecord, inputs: ClaimInputs = INPUTS) -> tuple[str, str]:
    with pytest.raises(ClaimsRefused) as caught:
        added(*rules, inputs=inputs)
    return caught.value.reason, caught.value.detail


def required(value: JSON, **changes: Changes) -> ClaimRuleRecord:
    changes = {"source": "subject_attribute", "is_required": True, "slug": "needed", **changes}
    return make_claim_rule("made", value, **changes)


def test_required_value_that_is_absent_refuses_the_token() -> None:
    assert refusal(required("nothing")) == ("claim_missing", "needed")
    assert refusal(make_claim_rule(), required("none")) == ("claim_missing", "needed")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"grant_type": "authorization_code"}, id="links-do-not-match"),
        pytest.param({"condition": {"client_id": "another"}}, id="condition-is-false"),
        pytest.param({"condition": {"foreign": {"x": 1}}}, id="condition-is-indeterminate"),
    ],
)
def test_required_rule_that_does_not_apply_refuses_nothing(changes: dict[str, JSON]) -> None:
    assert added(required("nothing", **changes)) == {}


NESTED: JSON = "x"
for _ in range(9):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["x" * MAX_CLAIM_BYTES], id="one-too-large"),
        pytest.param(["x" * 2_000] * 5, id="all-together"),
        pytest.param([NESTED], id="too-deep"),
        pytest.param([float("nan")], id="not-a-number"),
        pytest.param([float("inf")], id="endless"),
        pytest.param([10**30], id="beyond-64-bits"),
        pytest.param(["\ud800"], id="half-a-surrogate"),
        pytest.param([{"\ud800": 1}], id="half-a-surrogate-in-a-name"),
        pytest.param([{"__proto__": {"isAdmin": True}}], id="dangerous-name"),
        pytest.param([{1: 2}], id="name-is-no-text"),
        pytest.param([{1, 2}], id="a-set"),
        pytest.param([b"bytes"], id="bytes"),
        pytest.param([uuid4().hex * 200], id="long-text"),
    ],
)
def test_claim_out_of_bounds_refuses_the_token(values: list[Any]) -> None:
    rules = [make_claim_rule(f"c{number}", value) for number, value in enumerate(values)]
    reason, detail = refusal(*rules)
    assert reason == "claims_out_of_bounds"
    assert len(detail) <= 128


def test_large_foreign_claim_refuses_the_token_only_where_a_rule_takes_it() -> None:
    large = ClaimInputs("", {"large": "x" * 5_000, "small": 1})
    rule = make_claim_rule("made", "large", source="foreign_claim")
    assert refusal(rule, inputs=large)[0] == "claims_out_of_bounds"
    small = make_claim_rule("made", "small", source="foreign_claim")
    assert added(small, inputs=large) == {"made": 1}


# Introspection.


def told(*rules: ClaimRuleRecord, inputs: ClaimInputs = INPUTS) -> dict[str, JSON]:
    return tell_claims(PROFILE, RECORD, matching(*rules), inputs, is_dual=False)


def test_introspection_tells_what_the_token_has() -> None:
    rules = (
        make_claim_rule(),
        make_claim_rule("a", "department", source="subject_attribute"),
        make_claim_rule("b", "${foreign.department}!", source="template"),
    )
    made = make_claims(PROFILE, RECORD, matching(*rules), INPUTS, is_dual=False)
    assert told(*rules) == made.claims


def test_introspection_leaves_out_what_can_not_be_told() -> None:
    plain = build_claims(PROFILE, RECORD, is_bounded=False)
    assert told(required("nothing")) == plain
    assert told(make_claim_rule(value="x" * MAX_CLAIM_BYTES)) == plain
    assert told() == plain


def test_introspection_leaves_out_one_claim_for_its_size_and_tells_the_others() -> None:
    rules = (
        make_claim_rule("restricted", value=True),
        make_claim_rule("large", "large", source="foreign_claim"),
    )
    inputs = ClaimInputs("", {"large": "x" * MAX_CLAIM_BYTES})
    claims = told(*rules, inputs=inputs)
    assert claims["restricted"] is True
    assert "large" not in claims


def test_introspection_tells_as_many_claims_as_there_is_room_for() -> None:
    claims = told(*[make_claim_rule(f"c{number}", "x" * 2_000) for number in range(5)])
    assert {"c0", "c1", "c2", "c3"} <= set(claims)
    assert "c4" not in claims


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        pytest.param([required("nothing")], "claim_missing", id="missing"),
        pytest.param([make_claim_rule(value="x" * 5_000)], "claims_out_of_bounds", id="large"),
    ],
)
def test_outside_token_gets_all_that_rules_add_or_nothing(
    rules: list[ClaimRuleRecord], reason: str
) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        make_rule_claims(RECORD, (make_claim_rule(), *rules), INPUTS)
    assert caught.value.reason == reason
    assert make_rule_claims(RECORD, (make_claim_rule(),), INPUTS) == {"region": "eu"}


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param('{"suspended": true, "n": 1e400}', id="endless-number"),
        pytest.param('{"suspended": true, "n": ' + "9" * 400 + "}", id="number-of-400-digits"),
        pytest.param("[]", id="a-list"),
        pytest.param('{"suspended": true, "many": [' + "1," * 3_000 + "1]}", id="many"),
    ],
)
def test_no_condition_on_an_absence_holds_for_attributes_that_can_not_be_read(
    attributes: str,
) -> None:
    absent: JSON = {"subject": {"attributes": {"suspended": {"$absent": True}}}}
    rule = make_claim_rule("trusted", value=True, condition=absent)
    assert added(rule, inputs=ClaimInputs(attributes)) == {}
    assert added(rule, inputs=ClaimInputs('{"department": "sales"}')) == {"trusted": True}


def test_sources_name_the_rules() -> None:
    rules = matching(make_claim_rule(slug="broad"), make_claim_rule(slug="narrow", api_id=API))
    made = make_claims(PROFILE, RECORD, rules, INPUTS, is_dual=False)
    assert made.added_by == {"region": "narrow"}
    nameless = replace(rules[0], slug="")
    made = make_claims(PROFILE, RECORD, (nameless,), INPUTS, is_dual=False)
    assert made.added_by == {"region": str(nameless.id)}
