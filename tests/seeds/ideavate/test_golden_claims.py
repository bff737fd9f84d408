"""Ideavate shows no sample token; its link token's scope and validity, in the standard profile."""

from __future__ import annotations

from tests.factories.records import TOKEN_ID, make_token_record
from tokens.claim_profiles import get
from tokens.claims import build_claims, build_header

RECORD = make_token_record(
    issuer="https://ideavate.example",
    client_id="demo-app",
    audiences=("https://api.ideavate.example/",),
    scopes=("read:accounts", "download:documents"),
    subject="specific.user.id",
    issued_at=1_600_000_000,
    expires_at=1_600_003_600,
)


def test_users_token_has_the_described_scope_and_lives_an_hour() -> None:
    assert build_claims(get("rfc9068"), RECORD) == {
        "iss": "https://ideavate.example",
        "sub": "specific.user.id",
        "aud": "https://api.ideavate.example/",
        "client_id": "demo-app",
        "scope": "read:accounts download:documents",
        "iat": 1_600_000_000,
        "exp": 1_600_000_000 + 3600,
        "jti": str(TOKEN_ID),
    }


def test_header_says_access_token() -> None:
    header = build_header(get("rfc9068"), RECORD, algorithm="ES256", kid="k1")
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": "k1"}
