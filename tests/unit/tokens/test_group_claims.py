"""Groups are told by the client's choice, else the profile's, and never make a JWT too long."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.records import RESERVED_CLAIMS, MembershipRecord, TokenRecord
from tests.factories.records import TOKEN_ID, make_token_record
from tokens.claim_profiles import PROFILES, GroupClaims, get
from tokens.claims import build_claims
from tokens.group_claims import GROUP_PERMISSIONS, GROUP_POLICIES, NAMES

STAFF = MembershipRecord(TOKEN_ID, "staff", "The staff", ("read", "write"))
GUESTS = MembershipRecord(TOKEN_ID, "guests", "", ("read",))
NO_MEMBERSHIP = MembershipRecord(TOKEN_ID, "quiet")
USER = make_token_record(subject="alice", memberships=(STAFF, GUESTS))
POLICIES = {
    "groups": [
        {
            "id": str(TOKEN_ID),
            "name": "The staff",
            "policies": [{"id": "read", "name": "read"}, {"id": "write", "name": "write"}],
        },
        {"id": str(TOKEN_ID), "name": "guests", "policies": [{"id": "read", "name": "read"}]},
    ]
}


def test_groups_and_what_they_permit_are_arrays() -> None:
    claims = build_claims(get("rfc9068"), USER)
    assert (claims["groups"], claims["entitlements"]) == (["staff", "guests"], ["read", "write"])
    quiet = build_claims(get("rfc9068"), replace(USER, memberships=(NO_MEMBERSHIP,)))
    assert quiet["groups"] == ["quiet"]
    assert "entitlements" not in quiet


def test_second_version_is_an_object_and_the_default_of_its_profile() -> None:
    assert build_claims(get("onewelcome"), USER)[GROUP_POLICIES] == POLICIES


def test_first_version_is_json_within_a_text() -> None:
    chosen = replace(USER, group_claims="group_permissions")
    claims = build_claims(get("onewelcome"), chosen)
    assert GROUP_POLICIES not in claims
    assert json.loads(str(claims[GROUP_PERMISSIONS])) == [
        {"id": str(TOKEN_ID), "name": "The staff", "permissions": ["read", "write"]},
        {"id": str(TOKEN_ID), "name": "guests", "permissions": ["read"]},
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("choice", ["", *GroupClaims])
def test_choice_of_the_client_comes_before_the_profile(profile: str, choice: str) -> None:
    found = NAMES & set(build_claims(get(profile), replace(USER, group_claims=choice)))
    expected = {
        "none": set(),
        "rfc9068": {"groups", "entitlements"},
        "group_permissions": {GROUP_PERMISSIONS},
        "group_policies": {GROUP_POLICIES},
    }
    assert found == expected[choice or get(profile).group_claims]


def test_who_has_no_groups_has_no_claim() -> None:
    for choice in GroupClaims:
        record = replace(USER, memberships=(), group_claims=choice)
        assert not NAMES & set(build_claims(get("onewelcome"), record))


def test_every_name_is_reserved() -> None:
    assert NAMES <= RESERVED_CLAIMS


def many(count: int) -> TokenRecord:
    groups = (MembershipRecord(TOKEN_ID, f"group-{n}", "", ("read",)) for n in range(count))
    return replace(USER, memberships=tuple(groups))


def test_who_is_told_no_groups_gets_no_marker_whatever_the_budget() -> None:
    profile = replace(get("onewelcome"), group_claims_budget_bytes=0)
    assert not NAMES & set(build_claims(profile, replace(USER, group_claims="none")))
    marked = build_claims(profile, replace(USER, group_claims="rfc9068"))
    assert marked["_claim_names"] == {"groups": "introspection", "entitlements": "introspection"}


@given(count=st.integers(0, 400), choice=st.sampled_from([*GroupClaims]))
def test_groups_stay_within_their_budget_and_introspection_tells_all(
    count: int, choice: GroupClaims
) -> None:
    profile, record = get("onewelcome"), replace(many(count), group_claims=choice)
    bounded = build_claims(profile, record)
    whole = build_claims(profile, record, is_bounded=False)
    told = {name: whole[name] for name in NAMES & set(whole)}
    size = len(json.dumps(told, separators=(",", ":")).encode())
    assert not {"_claim_names", "_claim_sources"} & set(whole)
    assert ("_claim_names" in bounded) is (size > profile.group_claims_budget_bytes)
    if "_claim_names" not in bounded:
        assert bounded == whole
        return
    assert bounded["_claim_names"] == dict.fromkeys(told, "introspection")
    endpoint = f"{record.issuer}/oauth/introspect"
    assert bounded["_claim_sources"] == {"introspection": {"endpoint": endpoint}}
    assert not set(told) & set(bounded)
