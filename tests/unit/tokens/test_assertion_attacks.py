"""The attacks of RFC 8725 on the verification of foreign tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tokens.foreign_tokens import (
    CLAIMS,
    EC_384,
    EC_KEY,
    EC_OTHER,
    GOOD,
    NOW,
    PROFILE,
    RSA_KEY,
    RSA_WEAK,
    hmac_token,
    jwk_of,
    make,
    raw,
    refusal,
    signed_raw,
)
from tokens.assertions import InvalidAssertion, verify_assertion

if TYPE_CHECKING:
    from tenants.records import JSON


PUBLIC_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_DER = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OTHER_JWK = jwk_of(EC_OTHER, kid="evil")
HEAD, BODY, SIGNATURE = GOOD.split(".")


def forged(**headers: Any) -> str:  # noqa: ANN401 - any header.
    return make(key=EC_OTHER, headers=headers)


# The attacks of RFC 8725 section 2, and what RFC 7515 section 10 warns of.
UNSIGNED = raw('{"alg":"none"}', json.dumps(CLAIMS), b"")
CRITICAL = signed_raw(b"{}", b'{"alg":"ES256","crit":["exp"],"exp":1}')
ATTACKS = [
    pytest.param(
        raw('{"alg":"none"}', json.dumps(CLAIMS), b""), "algorithm_not_allowed", id="none"
    ),
    pytest.param(raw('{"alg":"None"}', json.dumps(CLAIMS)), "algorithm_not_allowed", id="None"),
    pytest.param(f"{HEAD}.{BODY}.", "bad_signature", id="no signature"),
    pytest.param(hmac_token(PUBLIC_PEM), "algorithm_not_allowed", id="HMAC by the public PEM"),
    pytest.param(hmac_token(PUBLIC_DER), "algorithm_not_allowed", id="HMAC by the public DER"),
    pytest.param(hmac_token(b""), "algorithm_not_allowed", id="HMAC by nothing"),
    pytest.param(make(key=EC_384, algorithm="ES384"), "algorithm_not_allowed", id="not listed"),
    pytest.param(forged(kid="ec"), "bad_signature", id="another key"),
    pytest.param(forged(), "bad_signature", id="another key without kid"),
    pytest.param(forged(kid="evil", jwk=OTHER_JWK), "unknown_key", id="jwk header"),
    pytest.param(forged(kid="ec", jwk=OTHER_JWK), "bad_signature", id="jwk header, known kid"),
    pytest.param(forged(kid="ec", jku="https://evil.example/jwks"), "bad_signature", id="jku"),
    pytest.param(forged(kid="ec", x5u="https://evil.example/x"), "bad_signature", id="x5u"),
    pytest.param(forged(kid="ec", x5c=["AAAA"]), "bad_signature", id="x5c"),
    pytest.param(make(headers={"kid": "rsa"}), "unknown_key", id="kid of a key of another alg"),
    pytest.param(make(headers={"kid": "../../dev/null"}), "unknown_key", id="kid is a path"),
    pytest.param(make(headers={"kid": "' OR 1=1 --"}), "unknown_key", id="kid is SQL"),
    pytest.param(make(headers={"kid": "ec\x00"}), "malformed", id="kid with NUL"),
    pytest.param(make(headers={"kid": "k" * 256}), "malformed", id="long kid"),
    pytest.param(CRITICAL, "unsupported_header", id="crit"),
    pytest.param(signed_raw(b"{}", b'{"alg":"ES256","b64":false}'), "unsupported_header", id="b64"),
    pytest.param(signed_raw(b"{}", b'{"alg":"HS256","alg":"ES256"}'), "malformed", id="alg twice"),
    pytest.param(make(headers={"typ": "at+jwt"}), "wrong_type", id="access token"),
    pytest.param(make(headers={"typ": "application/at+JWT"}), "wrong_type", id="long access token"),
    pytest.param(make(headers={"typ": "rt+jwt"}), "wrong_type", id="refresh token"),
    pytest.param(make(headers={"typ": "logout+jwt"}), "wrong_type", id="logout token"),
    pytest.param(make(headers={"typ": "dpop+jwt"}), "wrong_type", id="proof of possession"),
    pytest.param(make(headers={"typ": "secevent+jwt"}), "wrong_type", id="security event"),
    pytest.param(make(CLAIMS | {"typ": "Refresh"}), "wrong_type", id="refresh token by claim"),
    pytest.param(make(CLAIMS | {"x": "y" * 20_000}), "too_large", id="huge"),
    pytest.param(signed_raw(b'{"a":' * 2000), "malformed", id="nested objects"),
    pytest.param(signed_raw(b"[" * 10_000), "malformed", id="nested arrays"),
    pytest.param(signed_raw(b'{"iss":"a","iss":"b"}'), "malformed", id="iss twice"),
    pytest.param(signed_raw(b'{"x":{"a":1,"a":2}}'), "malformed", id="inner member twice"),
    pytest.param(signed_raw(b"[]"), "malformed", id="payload is an array"),
    pytest.param(signed_raw(b'"x"'), "malformed", id="payload is a string"),
    pytest.param(signed_raw(b"\xff"), "malformed", id="payload is not UTF-8"),
    pytest.param(signed_raw(b""), "malformed", id="payload is empty"),
    pytest.param(signed_raw(b'{"exp":Infinity}'), "malformed", id="infinite exp"),
    pytest.param(f"{HEAD}.{BODY}.{SIGNATURE}=", "malformed", id="padding"),
    pytest.param(f"{HEAD}.{BODY}.{SIGNATURE}.", "malformed", id="fourth segment"),
    pytest.param(f"{HEAD}.{BODY}.{SIGNATURE}\n", "malformed", id="line feed"),
    pytest.param(f"{HEAD}.{BODY}.{SIGNATURE}.A.A", "malformed", id="five segments"),
    pytest.param("", "malformed", id="empty"),
    pytest.param("\ud800..", "malformed", id="surrogate"),
]


@pytest.mark.parametrize(("token", "reason"), ATTACKS)
def test_an_attack_is_refused_with_its_reason(token: str, reason: str) -> None:
    assert refusal(token) == reason


WEAK_RS256 = raw('{"alg":"RS256","kid":"weak"}', json.dumps(CLAIMS), b"x" * 128)


@pytest.mark.parametrize(
    ("key", "token"),
    [
        pytest.param(jwk_of(RSA_WEAK, kid="weak"), WEAK_RS256, id="RSA 1024"),
        pytest.param(jwk_of(EC_384, kid="ec"), GOOD, id="wrong curve"),
        pytest.param(jwk_of(EC_KEY, kid="ec", key_ops=["sign"]), GOOD, id="key_ops"),
        pytest.param(jwk_of(EC_KEY, kid="ec", use="enc"), GOOD, id="use"),
        pytest.param(jwk_of(EC_KEY, kid="ec", d="AAAA"), GOOD, id="private key"),
        pytest.param(jwk_of(EC_KEY, kid="ec", alg="ES384"), GOOD, id="alg of another curve"),
        pytest.param(jwk_of(RSA_KEY, kid="ec"), GOOD, id="another type under the kid"),
        pytest.param({"kty": "oct", "kid": "ec", "k": "AAAA"}, GOOD, id="symmetric key"),
    ],
)
def test_a_key_that_must_not_be_used_is_unknown(key: dict[str, JSON], token: str) -> None:
    assert refusal(token, replace(PROFILE, jwks=(key,))) == "unknown_key"


@given(st.text(max_size=50), st.binary(max_size=200))
def test_no_payload_crashes(text: str, payload: bytes) -> None:
    for token in (text, signed_raw(payload), f"{HEAD}.{text}.{SIGNATURE}"):
        with pytest.raises(InvalidAssertion):
            verify_assertion(token, PROFILE, NOW)


TIMES = ("expired", "not_yet_valid", "issued_in_future")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


REASONS = {"", "malformed", "too_large", "missing_claim", "invalid_claim", "wrong_type", *TIMES}


@given(st.sampled_from([*sorted(CLAIMS), "nbf", "typ", "extra"]), VALUES)
def test_one_strange_claim_is_accepted_or_refused_but_never_crashes(
    name: str,
    value: Any,  # noqa: ANN401 - any JSON.
) -> None:
    token = signed_raw(json.dumps(CLAIMS | {name: value}).encode())
    refused = ""
    try:
        verify_assertion(token, PROFILE, NOW)
    except InvalidAssertion as error:
        refused = error.reason
    assert refused in REASONS
