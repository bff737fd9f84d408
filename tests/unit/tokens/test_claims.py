"""Claims are a pure function of the token record and the profile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenants.records import JSON, RESERVED_CLAIMS, MembershipRecord
from tests.factories.records import TOKEN_ID, make_token_record
from tokens.claim_profiles import PROFILES, ClaimProfileData, get
from tokens.claims import build_claims, build_header

SUBJECT = "1c0e2c84-b05f-4c23-9175-c238f70901be"
OF_CLIENT = make_token_record()
OF_USER = replace(OF_CLIENT, subject=SUBJECT)
MEMBERSHIP = MembershipRecord(TOKEN_ID, "staff", "Staff", ("read",))
EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)


def test_default_profile_writes_what_rfc9068_requires() -> None:
    assert build_claims(get("rfc9068"), OF_CLIENT) == {
        "iss": OF_CLIENT.issuer,
        "sub": "api-client",
        "aud": "https://profile.example/",
        "client_id": "api-client",
        "scope": "read",
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
        "jti": str(TOKEN_ID),
    }


@EVERY_PROFILE
def test_every_profile_expires(profile: ClaimProfileData) -> None:
    assert build_claims(profile, OF_CLIENT)["exp"] == OF_CLIENT.expires_at
    assert build_claims(profile, OF_CLIENT, is_dual=True)["exp"] == OF_CLIENT.expires_at


@pytest.mark.parametrize(
    ("name", "of_client", "of_user"),
    [
        ("rfc9068", "api-client", SUBJECT),
        ("spaceblocks", "api-client", "api-client"),
        ("onewelcome", None, SUBJECT),
        ("thinktecture", None, SUBJECT),
        ("aidbox", "api-client", SUBJECT),
    ],
)
def test_sub_of_client_and_user(name: str, of_client: str | None, of_user: str) -> None:
    assert build_claims(get(name), OF_CLIENT).get("sub") == of_client
    assert build_claims(get(name), OF_USER)["sub"] == of_user


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("rfc9068", "https://profile.example/", ["https://profile.example/", "b"]),
        ("spaceblocks", ["https://profile.example/"], ["https://profile.example/", "b"]),
        ("onewelcome", "https://profile.example/", ["https://profile.example/", "b"]),
        ("thinktecture", "https://profile.example/", "https://profile.example/"),
        ("aidbox", "https://profile.example/", ["https://profile.example/", "b"]),
    ],
)
def test_form_of_aud(name: str, one: JSON, two: JSON) -> None:
    record = replace(OF_CLIENT, audiences=("https://profile.example/", "b"))
    assert build_claims(get(name), OF_CLIENT)["aud"] == one
    assert build_claims(get(name), record)["aud"] == two


@EVERY_PROFILE
def test_record_without_audience_has_no_aud_that_lies(profile: ClaimProfileData) -> None:
    claims = build_claims(profile, replace(OF_CLIENT, audiences=()))
    assert claims.get("aud") in (None, [])


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("rfc9068", ""),
        ("spaceblocks", "/"),
        ("onewelcome", "/oauth"),
        ("thinktecture", ""),
        ("aidbox", ""),
    ],
)
def test_issuer_override_is_for_legacy_profiles_only(name: str, suffix: str) -> None:
    overridden = replace(OF_CLIENT, issuer_override="OldServer")
    assert build_claims(get(name), OF_CLIENT)["iss"] == OF_CLIENT.issuer + suffix
    expected = OF_CLIENT.issuer if name == "rfc9068" else "OldServer"
    assert build_claims(get(name), overridden)["iss"] == expected


def test_acting_for_stands_in_act_and_ext() -> None:
    record = replace(OF_USER, actor="gateway", app_tenant_id="t-1", app_subject_id="u-1")
    assert build_claims(get("rfc9068"), record)["act"] == {"sub": "gateway"}
    ext = build_claims(get("spaceblocks"), record)["ext"]
    assert isinstance(ext, dict)
    assert (ext["app_tenant_id"], ext["app_subject_id"]) == ("t-1", "u-1")


def test_name_that_the_customer_gave_never_becomes_a_subject() -> None:
    record = replace(OF_CLIENT, app_subject_id=SUBJECT)
    subjects = {build_claims(profile, record).get("sub") for profile in PROFILES.values()}
    assert subjects == {"api-client", None}


def test_authentication_is_told_by_rfc9068() -> None:
    record = replace(OF_USER, authenticated_at=1_699_999_000, acr="gold", amr=("pwd", "otp"))
    claims = build_claims(get("rfc9068"), record)
    assert claims["auth_time"] == 1_699_999_000
    assert (claims["acr"], claims["amr"]) == ("gold", ["pwd", "otp"])


@pytest.mark.parametrize(("limit", "expected"), [(5, 5), (0, None)])
def test_usage_limit_is_told_where_there_is_one(limit: int, expected: int | None) -> None:
    claims = build_claims(get("onewelcome"), replace(OF_CLIENT, usage_limit=limit))
    assert claims.get("usl") == expected


@pytest.mark.parametrize(("name", "expected"), [("spaceblocks", []), ("onewelcome", None)])
def test_only_space_blocks_keeps_empty_values(name: str, expected: JSON) -> None:
    assert build_claims(get(name), replace(OF_CLIENT, scopes=())).get("scp") == expected


def test_dual_profile_adds_the_standard_names_and_changes_none() -> None:
    old = build_claims(get("onewelcome"), OF_CLIENT)
    both = build_claims(get("onewelcome"), OF_CLIENT, is_dual=True)
    assert {name: both[name] for name in old} == old
    assert set(both) - set(old) == {"sub"}


@EVERY_PROFILE
def test_dual_profile_has_every_name_of_rfc9068(profile: ClaimProfileData) -> None:
    both = build_claims(profile, OF_USER, is_dual=True)
    assert set(build_claims(get("rfc9068"), OF_USER)) <= set(both)
    assert set(build_claims(profile, OF_USER)) <= set(both)


def test_header_names_algorithm_type_and_key() -> None:
    header = build_header(get("rfc9068"), OF_CLIENT, algorithm="ES256", kid="k1")
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}


def test_header_carries_the_id_that_the_payload_hides() -> None:
    header = build_header(get("thinktecture"), OF_CLIENT, algorithm="HS256", kid="k1")
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "k1", "jti": str(TOKEN_ID)}


def test_header_names_the_certificate_of_the_key() -> None:
    profile = get("onewelcome")
    header = build_header(
        profile, OF_CLIENT, algorithm="RS256", kid="k1", certificate_thumbprint="abc"
    )
    assert header == {"alg": "RS256", "kid": "k1", "x5t#S256": "abc"}


@EVERY_PROFILE
def test_every_name_of_every_profile_is_reserved(profile: ClaimProfileData) -> None:
    record = replace(
        OF_USER, actor="a", acr="b", amr=("c",), authenticated_at=1, memberships=(MEMBERSHIP,)
    )
    assert set(build_claims(profile, replace(record, usage_limit=3))) <= RESERVED_CLAIMS
