"""Our claims are those of the sample that Thinktecture shows, claim for claim."""

from __future__ import annotations

from dataclasses import replace

from tests.factories.records import TOKEN_ID, make_token_record
from tokens.claim_profiles import get
from tokens.claims import build_claims, build_header

SAMPLE = {
    "iss": "ThinktectureAuthorizationServer",
    "aud": "users",
    "nbf": 1371493550,
    "exp": 1371497150,
    "client_id": "codeclient",
    "scope": ["read", "search"],
    "sub": "dominick",
}
SAMPLE_HEADER = {"typ": "JWT", "alg": "HS256"}
RECORD = make_token_record(
    issuer_override="ThinktectureAuthorizationServer",
    client_id="codeclient",
    audiences=("users",),
    scopes=("read", "search"),
    subject="dominick",
    issued_at=1371493550,
    expires_at=1371497150,
)


def test_users_token_is_the_sample() -> None:
    assert build_claims(get("thinktecture"), RECORD) == SAMPLE


def test_sub_is_missing_where_no_user_is_involved() -> None:
    claims = build_claims(get("thinktecture"), replace(RECORD, subject=""))
    assert claims == {name: value for name, value in SAMPLE.items() if name != "sub"}


def test_header_is_the_samples_with_key_and_token_id() -> None:
    header = build_header(get("thinktecture"), RECORD, algorithm="HS256", kid="k1")
    assert header == SAMPLE_HEADER | {"kid": "k1", "jti": str(TOKEN_ID)}
