"""A trust profile accepts what it says, and each refusal has its own reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.claim_patterns import compile_claims
from tenants.records import SignedClaims, TrustMatch, TrustProfileRecord, TrustRefusal
from tenants.trust import (
    CHECKS,
    TrustReason,
    check_maximum_lifetime,
    explain,
    match,
    settle_scopes,
)

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


JSONS: st.SearchStrategy[JSON] = st.one_of(
    st.sampled_from(["read", "read write", "read admin", "", " ", "alice", None, True, 7, {}]),
    st.lists(st.sampled_from(["read", "write", "admin", "", 7, None, ["read"]]), max_size=3),
    st.text(max_size=8),
)
MAPPED = replace(
    PROFILE,
    scope_mapping={
        "read": frozenset({"write"}),
        "admin": frozenset({"admin", "management:clients:write"}),
        "plan": frozenset({"read", "write"}),
    },
)


@given(
    st.sampled_from([PROFILE, MAPPED]),
    st.dictionaries(st.sampled_from(["sub", "scope", "x"]), JSONS, max_size=3),
)
def test_no_claims_ever_give_more_than_the_maximum(
    profile: TrustProfileRecord, claims: dict[str, JSON]
) -> None:
    outcome = match(profile, signed(claims), NOW)
    if isinstance(outcome, TrustMatch):
        assert (outcome.scopes is None) == ("scope" not in claims)
        assert (outcome.scopes or frozenset()) <= profile.maximum_scope
        assert outcome.subject == claims["sub"]


def test_the_checks_are_named_in_their_order() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "check_issuer",
        "check_audience",
        "check_algorithm",
        "check_maximum_age",
        "check_lifetime",
        "check_maximum_lifetime",
        "check_required_claims",
        "check_subject",
        "check_scope",
    ]


def test_a_mapping_takes_its_own_names_only() -> None:
    def given(*names: JSON) -> tuple[set[str], tuple[str, ...]]:
        outcome = settle_scopes(MAPPED, signed({"sub": "alice", "scope": [*names]}))
        return set(outcome.given or ()), outcome.dropped

    assert given("plan") == ({"read", "write"}, ())
    assert given("read") == ({"write"}, ())
    assert given("write") == (set(), ("write",))
    assert given("admin", "plan") == ({"read", "write"}, ("admin",))
    assert given() == (set(), ())


def test_a_mapping_gives_nothing_to_a_token_that_names_no_scopes() -> None:
    assert settle_scopes(MAPPED, signed({"sub": "alice"})).given is None


@pytest.mark.parametrize(
    ("lifetime", "reason"),
    [
        pytest.param(300, "", id="as long as allowed"),
        pytest.param(301, "lifetime_too_long", id="a second too long"),
    ],
)
def test_a_token_is_made_for_no_longer_than_the_profile_says(lifetime: int, reason: str) -> None:
    profile = replace(PROFILE, maximum_lifetime_seconds=300)
    token = signed(issued_at=NOW - 10, expires_at=NOW - 10 + lifetime)
    outcome = match(profile, token, NOW)
    assert (outcome.reason if isinstance(outcome, TrustRefusal) else "") == reason


def test_a_lifetime_without_a_beginning_is_refused_as_well() -> None:
    profile = replace(PROFILE, maximum_lifetime_seconds=300)
    refusal = check_maximum_lifetime(profile, signed(issued_at=None), NOW)
    assert refusal is not None
    assert refusal.reason == TrustReason.NO_ISSUE_TIME


def demanding(pattern: JSON) -> TrustProfileRecord:
    return replace(PROFILE, required_claims=pattern, claims_hold=compile_claims(pattern))


REQUIRED: JSON = {"repository": "octo/app", "ref": {"$regex": "refs/heads/(main|release)"}}
DEEP: JSON = {"a": 1}
for _ in range(20):
    DEEP = {"a": DEEP}
CLAIM_ROWS: dict[str, tuple[dict[str, JSON], str]] = {
    "as required": ({"repository": "octo/app", "ref": "refs/heads/main"}, ""),
    "another value": ({"repository": "octo/evil", "ref": "refs/heads/main"}, "differ"),
    "a longer value": ({"repository": "octo/app", "ref": "refs/heads/main2"}, "differ"),
    "absent": ({"repository": "octo/app"}, "absent"),
    "null": ({"repository": "octo/app", "ref": None}, "absent"),
    "another kind": ({"repository": ["octo/app"], "ref": "refs/heads/main"}, "absent"),
    "none": ({}, "absent"),
    "too deep": ({"repository": "octo/app", "ref": "refs/heads/main", "x": DEEP}, "absent"),
}


@pytest.mark.parametrize(("claims", "outcome"), CLAIM_ROWS.values(), ids=CLAIM_ROWS)
def test_required_claims_open_by_what_is_there_only(claims: dict[str, JSON], outcome: str) -> None:
    found = match(demanding(REQUIRED), signed({"sub": "alice", **claims}), NOW)
    reason = found.reason if isinstance(found, TrustRefusal) else ""
    assert reason == (f"required_claims_{outcome}" if outcome else "")


def test_required_claims_that_were_never_compiled_accept_nothing() -> None:
    refusal = match(replace(PROFILE, required_claims={"sub": "alice"}), signed(), NOW)
    assert isinstance(refusal, TrustRefusal)
    assert refusal.reason == TrustReason.REQUIRED_CLAIMS_ABSENT


def test_what_an_issuer_vouched_for_passes_for_no_signature_and_the_reverse() -> None:
    opaque = replace(PROFILE, kind="opaque", algorithms=frozenset())
    assert isinstance(match(opaque, signed(algorithm=""), NOW), TrustMatch)
    for profile, algorithm in ((opaque, "ES256"), (opaque, "none"), (PROFILE, "")):
        refusal = match(profile, signed(algorithm=algorithm), NOW)
        assert isinstance(refusal, TrustRefusal)
        assert refusal.reason == TrustReason.ALGORITHM_NOT_ALLOWED


LINKING = replace(PROFILE, linking_claim="email", linking_verified_claim="email_verified")
LINKS: dict[str, tuple[dict[str, JSON], str]] = {
    "verified": ({"email": "a@b.example", "email_verified": True}, "a@b.example"),
    "not verified": ({"email": "a@b.example", "email_verified": False}, ""),
    "verified as a text": ({"email": "a@b.example", "email_verified": "true"}, ""),
    "verified as a number": ({"email": "a@b.example", "email_verified": 1}, ""),
    "verified as a list": ({"email": "a@b.example", "email_verified": [True]}, ""),
    "nothing about it": ({"email": "a@b.example"}, ""),
    "another claim is verified": ({"email": "a@b.example", "verified": True}, ""),
    "no address": ({"email_verified": True}, ""),
    "an address that is none": ({"email": "alice", "email_verified": True}, ""),
    "a list of addresses": ({"email": ["a@b.example"], "email_verified": True}, ""),
    "a long address": ({"email": "a@" + "b" * 253, "email_verified": True}, ""),
}


@pytest.mark.parametrize(("claims", "email"), LINKS.values(), ids=LINKS)
def test_only_a_verified_address_links(claims: dict[str, JSON], email: str) -> None:
    accepted = match(LINKING, signed({"sub": "alice", **claims}), NOW)
    assert isinstance(accepted, TrustMatch)
    assert accepted.linking_email == email


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(PROFILE, id="neither"),
        pytest.param(replace(PROFILE, linking_claim="email"), id="no verified claim"),
        pytest.param(replace(PROFILE, linking_verified_claim="email_verified"), id="no claim"),
    ],
)
def test_linking_is_off_until_both_claims_are_named(profile: TrustProfileRecord) -> None:
    claims: dict[str, JSON] = {"sub": "a", "email": "a@b.example", "email_verified": True}
    accepted = match(profile, signed({**claims, "": True}), NOW)
    assert isinstance(accepted, TrustMatch)
    assert accepted.linking_email == ""


def test_an_explanation_lists_every_check_and_match_is_its_first_refusal() -> None:
    token = signed({"sub": 7}, issuer="https://evil.example", expires_at=NOW - 40)
    checks = explain(PROFILE, token, NOW)
    assert [check.name for check in checks] == [
        check.__name__.removeprefix("check_") for check in CHECKS
    ]
    refused = [(check.name, check.reason) for check in checks if not check.passed]
    assert refused == [
        ("issuer", "wrong_issuer"),
        ("lifetime", "expired"),
        ("subject", "invalid_subject"),
    ]
    outcome = match(PROFILE, token, NOW)
    assert isinstance(outcome, TrustRefusal)
    assert outcome.reason == "wrong_issuer"
    assert all(check.passed for check in explain(PROFILE, signed(), NOW))
