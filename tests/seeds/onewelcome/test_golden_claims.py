"""Our claims are those of the sample that OneWelcome shows, claim for claim."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tests.factories.records import make_token_record
from tokens.claim_profiles import get
from tokens.claims import build_claims, build_header

SAMPLE = {
    "ver": 1,
    "jti": "AT.d405c8b0-2afc-4720-a567-e890fecd28b2",
    "iss": "https://tenant.onewelcome.io/oauth",
    "aud": "profile-api",
    "iat": 1537437991,
    "nbf": 1537437991,
    "exp": 1537441591,
    "cid": "example-client",
    "scp": ["profile", "read"],
    "scope": "profile read",
    "sub": "1c0e2c84-b05f-4c23-9175-c238f70901be",
    "usl": 5,
}
SAMPLE_HEADER = {"kid": "f463bf2c-81a6-4979-82a5-aa5d032b6fe5", "alg": "RS256"}
# Newer descriptions of the same token have the client's id under both names.
WITH_CLIENT_ID = SAMPLE | {"client_id": "example-client"}
RECORD = make_token_record(
    token_id=UUID("d405c8b0-2afc-4720-a567-e890fecd28b2"),
    issuer="https://tenant.onewelcome.io",
    client_id="example-client",
    audiences=("profile-api",),
    scopes=("profile", "read"),
    subject="1c0e2c84-b05f-4c23-9175-c238f70901be",
    usage_limit=5,
    issued_at=1537437991,
    expires_at=1537441591,
)


def test_users_token_is_the_sample_with_client_id_beside_cid() -> None:
    assert build_claims(get("onewelcome"), RECORD) == WITH_CLIENT_ID


def test_sub_is_missing_where_no_user_is_involved() -> None:
    claims = build_claims(get("onewelcome"), replace(RECORD, subject=""))
    assert claims == {name: value for name, value in WITH_CLIENT_ID.items() if name != "sub"}


def test_header_is_the_sample_and_has_no_typ() -> None:
    kid = SAMPLE_HEADER["kid"]
    header = build_header(get("onewelcome"), RECORD, algorithm="RS256", kid=kid)
    assert header == SAMPLE_HEADER
