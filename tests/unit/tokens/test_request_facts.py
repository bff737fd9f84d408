"""A token's row keeps what its claim rules have read, and what they found absent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tenants.records import SubjectRecord
from tests.factories.records import make_claim_rule, make_client, make_request
from tokens.request_facts import collect_facts, find_known, read_inputs

if TYPE_CHECKING:
    from tenants.records import JSON, AccessRequest, ClaimRuleRecord

READS_ATTRIBUTES = make_claim_rule("a", "${subject.attributes.x}", source="template")
READS_FOREIGN = make_claim_rule("b", {"y": "y", "z": "z"}, source="foreign_claim")
READS_NOTHING = make_claim_rule("c")
RULES = (READS_ATTRIBUTES, READS_FOREIGN, READS_NOTHING)


def request_of(attributes: str, claims: dict[str, JSON] | None = None) -> AccessRequest:
    subject = SubjectRecord(uuid4(), is_enabled=True, cut_off_number=0, attributes=attributes)
    return make_request(make_client(), subject=subject, claims=claims)


def known(facts: dict[str, JSON] | None, *, has_subject: bool = True) -> list[ClaimRuleRecord]:
    return [*find_known(facts, RULES, has_subject=has_subject)]


def test_what_is_absent_is_kept_as_null() -> None:
    facts = collect_facts(request_of('{"w": 1}'), RULES)
    assert facts["attributes"] == {"x": None}
    assert known(facts) == [*RULES]
    assert read_inputs(facts).foreign_claims is None


def test_only_what_rules_read_is_kept() -> None:
    facts = collect_facts(request_of('{"w": 1, "x": 2}'), RULES)
    assert facts["attributes"] == {"x": 2}


def test_foreign_claims_that_rules_read_stand_beside_the_digest_of_the_others() -> None:
    facts = collect_facts(request_of("", {"y": 1, "w": "x" * 2_000}), RULES)
    assert facts["foreign"] == {"y": 1, "z": None}
    assert known(facts) == [*RULES]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(None, [READS_FOREIGN, READS_NOTHING], id="no-facts"),
        pytest.param({}, [READS_FOREIGN, READS_NOTHING], id="nothing-read"),
        pytest.param({"attributes": {"w": 1}}, [READS_FOREIGN, READS_NOTHING], id="another-name"),
        pytest.param({"digest": "d"}, [READS_NOTHING], id="digest"),
        pytest.param({"digest": "d", "foreign": {"y": 1}}, [READS_NOTHING], id="one-of-two"),
        pytest.param({"erased": True}, [READS_NOTHING], id="erased"),
        pytest.param({"attributes": "x", "claims": 7}, [READS_FOREIGN, READS_NOTHING], id="broken"),
    ],
)
def test_rule_is_known_where_the_row_has_all_that_it_reads(
    facts: dict[str, JSON] | None, expected: list[ClaimRuleRecord]
) -> None:
    assert known(facts) == expected


def test_client_alone_is_known_to_have_no_attributes() -> None:
    assert known({}, has_subject=False) == [*RULES]


def test_attributes_that_can_not_be_read_leave_nothing_known() -> None:
    facts = collect_facts(request_of('{"x": 1e400}'), RULES)
    assert "attributes" not in facts
    assert known(facts) == [READS_FOREIGN, READS_NOTHING]
