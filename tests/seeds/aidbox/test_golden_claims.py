"""Aidbox shows no sample token; what it says of `aud` and of the claims holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.factories.records import TOKEN_ID, make_token_record
from tokens.claim_profiles import get
from tokens.claims import build_claims

RECORD = make_token_record(
    issuer="https://box.example",
    client_id="api-client",
    audiences=("https://fhir.example/",),
    issued_at=1_600_000_000,
    expires_at=1_600_000_600,
)


def test_token_of_the_described_client_lives_ten_minutes_and_names_it() -> None:
    assert build_claims(get("aidbox"), RECORD) == {
        "iss": "https://box.example",
        "sub": "api-client",
        "aud": "https://fhir.example/",
        "iat": 1_600_000_000,
        "exp": 1_600_000_600,
        "jti": str(TOKEN_ID),
    }


@pytest.mark.parametrize(
    ("audiences", "aud"),
    [
        (("https://fhir.example/",), "https://fhir.example/"),
        (
            ("https://a.example/", "https://b.example/"),
            ["https://a.example/", "https://b.example/"],
        ),
    ],
)
def test_aud_is_what_was_sent(audiences: tuple[str, ...], aud: object) -> None:
    claims = build_claims(get("aidbox"), replace(RECORD, audiences=audiences))
    assert claims["aud"] == aud


def test_scope_is_no_claim_of_theirs() -> None:
    claims = build_claims(get("aidbox"), replace(RECORD, scopes=("system/Patient.read",)))
    assert not {"scope", "scp", "client_id"} & set(claims)
