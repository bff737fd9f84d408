"""A trust profile accepts what it says, and each refusal has its own reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.records import SignedClaims, TrustMatch, TrustProfileRecord, TrustRefusal
from tenants.trust import CHECKS, TrustReason, match

if TYPE_CHECKING:
    from tenants.records import JSON

NOW = 1_800_000_000
PROFILE = TrustProfileRecord(
    id=UUID(int=7),
    slug="partner",
    issuer="https://issuer.example",
    audience="https://us.example",
    algorithms=frozenset({"ES256"}),
    maximum_scope=frozenset({"read", "write"}),
    maximum_age_seconds=300,
    clock_skew_seconds=30,
    provisioning="create",
)
CLAIMS: dict[str, JSON] = {"sub": "alice", "scope": "read admin"}


def signed(claims: dict[str, JSON] | None = None, **changes: Any) -> SignedClaims:  # noqa: ANN401
    valid = SignedClaims(
        issuer=PROFILE.issuer,
        subject="alice",
        audiences=("https://other.example", PROFILE.audience),
        issued_at=NOW - 10,
        expires_at=NOW + 100,
        not_before=None,
        token_id="1",
        key_id=None,
        algorithm="ES256",
        claims=CLAIMS if claims is None else claims,
        signing_input_hash=b"",
    )
    return replace(valid, **changes)


def scopes_of(claims: dict[str, JSON]) -> set[str] | None:
    accepted = match(PROFILE, signed({"sub": "alice", **claims}), NOW)
    assert isinstance(accepted, TrustMatch)
    return None if accepted.scopes is None else set(accepted.scopes)


def test_a_token_that_satisfies_the_profile_matches() -> None:
    assert match(PROFILE, signed(), NOW) == TrustMatch(
        profile_id=PROFILE.id,
        issuer=PROFILE.issuer,
        subject="alice",
        scopes=frozenset({"read"}),
        provisioning="create",
    )


REFUSED = [
    pytest.param({"issuer": "https://issuer.example/"}, "wrong_issuer", id="trailing slash"),
    pytest.param({"issuer": "https://ISSUER.example"}, "wrong_issuer", id="upper case issuer"),
    pytest.param({"audiences": ("https://us.example/",)}, "wrong_audience", id="other audience"),
    pytest.param({"audiences": ()}, "wrong_audience", id="no audience"),
    pytest.param({"algorithm": "RS256"}, "algorithm_not_allowed", id="other algorithm"),
    pytest.param({"issued_at": None}, "no_issue_time", id="no iat"),
    pytest.param({"issued_at": NOW + 31}, "issued_in_future", id="issued in the future"),
    pytest.param({"issued_at": NOW - 331}, "too_old", id="too old"),
    pytest.param({"expires_at": NOW - 30}, "expired", id="expired"),
    pytest.param({"not_before": NOW + 31}, "not_yet_valid", id="not yet valid"),
    pytest.param({"expires_at": NOW - 10}, "invalid_lifetime", id="expires when issued"),
    pytest.param(
        {"not_before": NOW + 5, "expires_at": NOW + 5}, "invalid_lifetime", id="no life at all"
    ),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_a_token_that_breaks_one_rule_is_refused_with_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    refusal = match(PROFILE, signed(**changes), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == reason
    assert refusal.reason in set(TrustReason)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"issued_at": NOW + 30}, id="issued just ahead"),
        pytest.param({"issued_at": NOW - 330}, id="as old as allowed"),
        pytest.param({"issued_at": NOW - 40, "expires_at": NOW - 29}, id="just expired"),
        pytest.param({"not_before": NOW + 30}, id="valid in a moment"),
    ],
)
def test_the_clock_skew_is_granted_to_the_second(changes: dict[str, Any]) -> None:
    assert isinstance(match(PROFILE, signed(**changes), NOW), TrustMatch)


def test_an_empty_audience_of_a_profile_matches_nothing() -> None:
    refusal = match(replace(PROFILE, audience=""), signed(audiences=("",)), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == TrustReason.WRONG_AUDIENCE


SUBJECTS: list[JSON] = ["", "x" * 256, 7, None, True, ["alice"], {"id": "alice"}]


@pytest.mark.parametrize("subject", [*SUBJECTS, "a\x00b", "a\nb", "a\x7f", "a\u2028b", "a\ud800"])
def test_a_subject_that_is_no_plain_text_is_refused(subject: JSON) -> None:
    refusal = match(PROFILE, signed({"sub": subject}), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == TrustReason.INVALID_SUBJECT


def test_a_missing_subject_is_refused() -> None:
    refusal = match(PROFILE, signed({}), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == TrustReason.INVALID_SUBJECT


@pytest.mark.parametrize("subject", ["a", "x" * 255, "J\u00f6rg \u96ea", "auth0|1"])
def test_a_printable_subject_is_taken_from_the_profiles_claim(subject: str) -> None:
    profile = replace(PROFILE, subject_claim="email")
    accepted = match(profile, signed({"sub": "ignored", "email": subject}), NOW)
    assert isinstance(accepted, TrustMatch)
    assert accepted.subject == subject


def test_scopes_are_narrowed_to_the_maximum() -> None:
    assert scopes_of({"scope": "read write admin"}) == {"read", "write"}
    assert scopes_of({"scope": ["write"]}) == {"write"}
    assert scopes_of({"scope": "admin"}) == set()
    assert scopes_of({"scope": ""}) == set()
    assert scopes_of({"scope": []}) == set()


def test_without_a_scope_claim_the_token_names_no_scopes() -> None:
    assert scopes_of({}) is None


def test_the_scope_claim_is_the_profiles() -> None:
    profile = replace(PROFILE, scope_claim="scp")
    accepted = match(profile, signed({"sub": "a", "scp": ["write"], "scope": "read"}), NOW)
    assert isinstance(accepted, TrustMatch)
    assert accepted.scopes == frozenset({"write"})


SCOPES: list[JSON] = [7, None, {"read": True}, ["read", 7], ["read write"], "read  write", " read"]


@pytest.mark.parametrize("scope", [*SCOPES, 'a"b', "a\\b", "r\u00e9ad", "a\x00"])
def test_a_malformed_scope_claim_is_refused(scope: JSON) -> None:
    refusal = match(PROFILE, signed({"sub": "alice", "scope": scope}), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == TrustReason.INVALID_SCOPE


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["sub", "scope", "x"]), JSONS))
def test_no_claims_ever_give_more_than_the_maximum(claims: dict[str, JSON]) -> None:
    outcome = match(PROFILE, signed(claims), NOW)
    if isinstance(outcome, TrustMatch):
        assert (outcome.scopes is None) == ("scope" not in claims)
        assert (outcome.scopes or frozenset()) <= PROFILE.maximum_scope
        assert outcome.subject == claims["sub"]


def test_the_checks_are_named_in_their_order() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "check_issuer",
        "check_audience",
        "check_algorithm",
        "check_maximum_age",
        "check_lifetime",
        "check_subject",
        "check_scope",
    ]
