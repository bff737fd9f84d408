"""Foreign tokens: what RFC 7523 asks is accepted, and each lack has its reason."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tenants.credentials import encrypt, trust_profile_context
from tenants.records import Ciphertext, TrustProfileRecord
from tests.unit.tokens.foreign_tokens import (
    CLAIMS,
    EC_384,
    EC_KEY,
    EC_OTHER,
    GOOD,
    NOW,
    PROFILE,
    RSA_KEY,
    SECRET,
    hmac_token,
    jwk_of,
    make,
    raw,
    refusal,
    signed_raw,
    without,
)
from tokens.assertions import ClientKeys, explain_assertion, verify_assertion
from tokens.foreign_keys import JwksCache

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"kek": b"K" * 32}


def with_secret(secret: bytes = SECRET) -> TrustProfileRecord:
    sealed = encrypt(secret, context=trust_profile_context(PROFILE.id))
    return replace(PROFILE, jwks=(), shared_secret=sealed)


def test_a_good_token_becomes_signed_claims() -> None:
    token = make()
    signed = verify_assertion(token, PROFILE, NOW)
    assert signed.issuer == CLAIMS["iss"]
    assert signed.subject == "alice"
    assert signed.audiences == ("https://us.example",)
    assert (signed.issued_at, signed.expires_at, signed.not_before) == (NOW - 10, NOW + 60, None)
    assert (signed.token_id, signed.key_id, signed.algorithm) == ("one", "ec", "ES256")
    assert signed.claims == CLAIMS
    assert signed.signing_input_hash == hashlib.sha256(token.rpartition(".")[0].encode()).digest()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(EC_KEY, "ES256", "ec"), (RSA_KEY, "RS256", "rsa")]
)
def test_the_key_is_chosen_by_kid_or_tried_without(key: Any, algorithm: str, kid: str) -> None:  # noqa: ANN401
    for headers in ({"kid": kid}, {}):
        token = make(key=key, algorithm=algorithm, headers=headers)
        assert verify_assertion(token, PROFILE, NOW).subject == "alice"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "client-authentication+jwt"])
def test_accepted_types(typ: str) -> None:
    assert (
        verify_assertion(make(headers={"kid": "ec", "typ": typ}), PROFILE, NOW).subject == "alice"
    )


def test_a_token_without_typ_is_accepted() -> None:
    assert verify_assertion(signed_raw(json.dumps(CLAIMS).encode()), PROFILE, NOW).key_id == "ec"


def test_a_keys_lack_of_a_kid_does_not_stop_it() -> None:
    profile = replace(PROFILE, jwks=(jwk_of(EC_OTHER), jwk_of(EC_KEY)))
    assert verify_assertion(make(headers={"kid": "new"}), profile, NOW).key_id == "new"


def test_the_first_key_that_fits_is_enough() -> None:
    profile = replace(PROFILE, jwks=(jwk_of(EC_KEY), jwk_of(EC_OTHER)))
    assert verify_assertion(make(headers={}), profile, NOW).subject == "alice"


def test_a_shared_secret_verifies_hmac_and_only_hmac() -> None:
    profile = with_secret()
    signed = verify_assertion(make(key=SECRET, algorithm="HS256", headers={}), profile, NOW)
    assert signed.algorithm == "HS256"
    assert refusal(make(), profile) == "algorithm_not_allowed"


def test_a_source_with_both_keys_and_a_secret_verifies_nothing() -> None:
    both = replace(with_secret(), jwks=PROFILE.jwks)
    assert refusal(make(), both) == "keys_and_secret"
    assert refusal(make(key=SECRET, algorithm="HS256"), both) == "keys_and_secret"
    uri = replace(with_secret(), jwks_uri="https://issuer.example/jwks")
    assert refusal(make(key=SECRET, algorithm="HS256"), uri) == "keys_and_secret"


def test_a_shared_secret_that_is_short_verifies_nothing() -> None:
    token = raw('{"alg":"HS256"}', json.dumps(CLAIMS))
    assert refusal(token, with_secret(b"short")) == "bad_signature"


def test_an_unreadable_shared_secret_is_a_refusal_and_no_crash() -> None:
    token = make(key=SECRET, algorithm="HS256", headers={})
    foreign = encrypt(SECRET, context=trust_profile_context(UUID(int=10)))
    assert refusal(token, replace(with_secret(), shared_secret=foreign)) == "keys_unavailable"
    gone = Ciphertext("gone", foreign.blob)
    assert refusal(token, replace(with_secret(), shared_secret=gone)) == "keys_unavailable"


BAD_CLAIMS = [
    pytest.param(without("iss"), "missing_claim", id="no iss"),
    pytest.param(without("aud"), "missing_claim", id="no aud"),
    pytest.param(without("exp"), "missing_claim", id="no exp"),
    pytest.param(CLAIMS | {"aud": []}, "missing_claim", id="empty aud"),
    pytest.param(CLAIMS | {"aud": ""}, "missing_claim", id="aud without text"),
    pytest.param(CLAIMS | {"aud": [CLAIMS["aud"], 7]}, "invalid_claim", id="a number in aud"),
    pytest.param(CLAIMS | {"aud": ["a"] * 21}, "invalid_claim", id="many audiences"),
    pytest.param(CLAIMS | {"jti": 7}, "invalid_claim", id="jti is a number"),
    pytest.param(CLAIMS | {"jti": None}, "invalid_claim", id="jti is null"),
    pytest.param(CLAIMS | {"jti": "j" * 1025}, "invalid_claim", id="long jti"),
    pytest.param(CLAIMS | {"exp": NOW - 30}, "expired", id="expired"),
    pytest.param(CLAIMS | {"exp": 0}, "expired", id="expired long ago"),
    pytest.param(CLAIMS | {"nbf": NOW + 31}, "not_yet_valid", id="not yet valid"),
    pytest.param(CLAIMS | {"iat": NOW + 31}, "issued_in_future", id="issued in the future"),
]


@pytest.mark.parametrize(("claims", "reason"), BAD_CLAIMS)
def test_bad_claims_are_refused_with_their_reason(claims: dict[str, Any], reason: str) -> None:
    assert refusal(make(claims)) == reason


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "written",
    ['"1800000060"', "true", "null", "[]", "-1", "253402300800", "1e30", "9" * 18],
)
def test_a_time_is_a_sensible_number(name: str, written: str) -> None:
    rest = json.dumps(without(name))[1:]
    assert refusal(signed_raw(f'{{"{name}":{written},{rest}'.encode())) == "invalid_claim"


@pytest.mark.parametrize("name", ["iss", "sub"])
@pytest.mark.parametrize("written", ["7", "null", "{}", '""', '["a"]'])
def test_issuer_and_subject_are_texts(name: str, written: str) -> None:
    rest = json.dumps(without(name))[1:]
    assert refusal(signed_raw(f'{{"{name}":{written},{rest}'.encode())) == "invalid_claim"


def test_a_time_may_have_a_fraction_and_the_skew_is_granted() -> None:
    claims = CLAIMS | {"exp": NOW - 28.5, "iat": NOW - 99.5, "nbf": NOW + 30}
    signed = verify_assertion(make(claims), PROFILE, NOW)
    assert (signed.issued_at, signed.expires_at) == (NOW - 100, NOW - 29)


def test_a_source_without_keys_verifies_nothing() -> None:
    assert refusal(GOOD, replace(PROFILE, jwks=())) == "unknown_key"


def test_a_source_without_algorithms_verifies_nothing() -> None:
    assert refusal(GOOD, replace(PROFILE, algorithms=frozenset())) == "algorithm_not_allowed"


def test_a_set_with_a_shared_kid_verifies_nothing() -> None:
    doubled = replace(PROFILE, jwks=(jwk_of(EC_KEY, kid="ec"), jwk_of(EC_OTHER, kid="ec")))
    assert refusal(GOOD, doubled) == "invalid_key_set"


def test_a_token_without_kid_tries_ten_keys_at_most() -> None:
    others = tuple(jwk_of(ec.generate_private_key(ec.SECP256R1()), kid=str(n)) for n in range(10))
    mine = jwk_of(EC_KEY, kid="ec")
    token = make(headers={})
    assert verify_assertion(token, replace(PROFILE, jwks=(*others[:9], mine)), NOW).key_id is None
    assert refusal(token, replace(PROFILE, jwks=(*others, mine))) == "kid_required"
    assert verify_assertion(GOOD, replace(PROFILE, jwks=(*others, mine)), NOW).key_id == "ec"


def test_keys_of_a_uri_come_through_the_cache() -> None:
    fetched: list[str] = []

    def fetch(uri: str) -> bytes:
        fetched.append(uri)
        return json.dumps({"keys": [jwk_of(EC_KEY, kid="ec")]}).encode()

    cache = JwksCache(fetch)
    source = ClientKeys(id=UUID(int=1), jwks_uri="https://client.example/jwks")
    for _ in range(2):
        signed = verify_assertion(GOOD, source, NOW, cache=cache)
        assert signed.key_id == "ec"
    assert fetched == ["https://client.example/jwks"]


def test_a_uri_that_is_refused_is_a_reason_of_its_own(settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    settings.TENANTS_OUTGOING_TIMEOUT_SECONDS = 5.0
    settings.TENANTS_OUTGOING_MAX_BYTES = 65_536
    source = ClientKeys(id=UUID(int=1), jwks_uri="https://127.0.0.1/jwks")
    assert refusal(GOOD, source) == "keys_unavailable"


def test_a_client_assertion_is_verified_by_the_clients_keys() -> None:
    source = ClientKeys(id=UUID(int=1), jwks=(jwk_of(EC_384, kid="c"),))
    token = make(key=EC_384, algorithm="ES384", headers={"kid": "c"})
    assert verify_assertion(token, source, NOW).algorithm == "ES384"
    assert refusal(hmac_token(SECRET), source) == "algorithm_not_allowed"


STEPS = ["form", "type", "key", "signature", "claims", "times"]


def test_an_explanation_names_every_step_of_a_good_token() -> None:
    checks, signed = explain_assertion(make(), PROFILE, NOW)
    assert [(check.name, check.passed) for check in checks] == [(name, True) for name in STEPS]
    assert signed == verify_assertion(make(), PROFILE, NOW)


def test_an_explanation_goes_on_behind_a_signature_that_is_wrong() -> None:
    claims = CLAIMS | {"exp": NOW - 100, "iat": NOW - 200}
    checks, signed = explain_assertion(make(claims, key=EC_OTHER), PROFILE, NOW)
    assert [(c.name, c.reason) for c in checks if not c.passed] == [
        ("signature", "bad_signature"),
        ("times", "expired"),
    ]
    assert signed is not None
    assert signed.claims == claims


def test_what_an_earlier_step_did_not_bring_is_not_judged() -> None:
    checks, signed = explain_assertion("garbage", PROFILE, NOW)
    assert [check.name for check in checks] == STEPS
    assert [check.reason for check in checks] == ["malformed", *["not_judged"] * 5]
    assert signed is None
