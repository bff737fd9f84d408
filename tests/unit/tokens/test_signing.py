"""Keys sign what stock libraries verify, and nothing else verifies here."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from tokens.jose import (
    decode_base64url,
    encode_base64url,
)
from tokens.signing import (
    InvalidJWT,
    PreparedKey,
    PublicKey,
    SigningAlgorithm,
    encode_header,
    generate_key,
    prepare_key,
    public_key,
    sign,
    verify,
)

PAYLOAD = b'{"sub":"alice"}'
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose.


def key_pair(algorithm: SigningAlgorithm) -> tuple[PreparedKey, PublicKey]:
    private, public_jwk = generate_key(algorithm)
    prepared = prepare_key(kid="k", algorithm=algorithm, private=private)
    return prepared, private if public_jwk is None else public_key(public_jwk)


def token_of(prepared: PreparedKey, payload: bytes = PAYLOAD) -> str:
    return sign(prepared, encode_header({"alg": prepared.algorithm.value, "kid": "k"}), payload)


def pkcs8(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_what_a_key_signs_its_other_half_verifies(algorithm: SigningAlgorithm) -> None:
    prepared, public = key_pair(algorithm)
    assert verify(token_of(prepared), key=public, algorithm=algorithm.value) == PAYLOAD


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_pyjwt_verifies_what_we_sign_and_we_verify_what_it_signs(
    algorithm: SigningAlgorithm,
) -> None:
    private, public_jwk = generate_key(algorithm)
    prepared = prepare_key(kid="k", algorithm=algorithm, private=private)
    ours = private if public_jwk is None else jwt.PyJWK.from_dict(public_jwk)
    assert jwt.decode(token_of(prepared), ours, algorithms=[algorithm.value]) == {"sub": "alice"}
    theirs = private if public_jwk is None else load_der_private_key(private, None)
    token = jwt.encode({"sub": "bob"}, theirs, algorithm=algorithm.value)  # type: ignore[arg-type]  # any key type
    verified = verify(
        token,
        key=private if public_jwk is None else public_key(public_jwk),
        algorithm=algorithm.value,
    )
    assert json.loads(verified) == {"sub": "bob"}


def test_es256_signatures_keep_their_leading_zeros() -> None:
    prepared, public = key_pair(SigningAlgorithm.ES256)
    signatures = [token_of(prepared).rpartition(".")[2] for _ in range(3000)]
    raw = [decode_base64url(signature) for signature in signatures]
    assert {len(signature) for signature in raw} == {64}
    head = token_of(prepared).rpartition(".")[0]
    short = [
        one for one, octets in zip(signatures, raw, strict=True) if 0 in (octets[0], octets[32])
    ]
    assert short, "of 6000 random halves one begins with a zero octet"
    for signature in short:
        assert verify(f"{head}.{signature}", key=public, algorithm="ES256") == PAYLOAD


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_an_altered_token_does_not_verify(algorithm: SigningAlgorithm) -> None:
    prepared, public = key_pair(algorithm)
    header, payload, signature = token_of(prepared).split(".")
    altered = decode_base64url(signature)
    altered = bytes([altered[0] ^ 1]) + altered[1:]
    other = encode_base64url(b'{"sub":"mallory"}')
    for token in (
        f"{header}.{payload}.{encode_base64url(altered)}",
        f"{header}.{payload}.{encode_base64url(altered[:-1])}",
        f"{header}.{payload}.",
        f"{header}.{other}.{signature}",
    ):
        with pytest.raises(InvalidJWT) as refusal:
            verify(token, key=public, algorithm=algorithm.value)
        assert refusal.value.reason == "bad_signature"


def test_an_ecdsa_signature_of_zeros_does_not_verify() -> None:
    prepared, public = key_pair(SigningAlgorithm.ES256)
    head = token_of(prepared).rpartition(".")[0]
    with pytest.raises(InvalidJWT, match="bad_signature"):
        verify(f"{head}.{encode_base64url(bytes(64))}", key=public, algorithm="ES256")


def test_a_der_encoded_ecdsa_signature_does_not_verify() -> None:
    private, public_jwk = generate_key(SigningAlgorithm.ES256)
    assert public_jwk is not None
    key = load_der_private_key(private, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = encode_header({"alg": "ES256"}).decode()
    head = f"{header}.{encode_base64url(PAYLOAD)}"
    der = key.sign(head.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidJWT, match="bad_signature"):
        verify(f"{head}.{encode_base64url(der)}", key=public_key(public_jwk), algorithm="ES256")


VERIFIED = ["HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"]
MISMATCHES = [(one, other) for one in SigningAlgorithm for other in VERIFIED if one != other]


@pytest.mark.parametrize(("signing", "verifying"), MISMATCHES)
def test_a_key_verifies_under_its_own_algorithm_only(
    signing: SigningAlgorithm, verifying: str
) -> None:
    prepared, public = key_pair(signing)
    with pytest.raises(InvalidJWT, match="algorithm_not_allowed"):
        verify(token_of(prepared), key=public, algorithm=verifying)


@pytest.mark.parametrize(("signing", "named"), MISMATCHES)
def test_a_key_of_another_type_never_verifies(signing: SigningAlgorithm, named: str) -> None:
    prepared, public = key_pair(signing)
    token = sign(prepared, encode_header({"alg": named}), PAYLOAD)
    with pytest.raises(InvalidJWT, match="bad_signature"):
        verify(token, key=public, algorithm=named)


def test_an_algorithm_that_nobody_verifies_is_refused() -> None:
    prepared, public = key_pair(SigningAlgorithm.ES256)
    token = sign(prepared, encode_header({"alg": "none"}), PAYLOAD)
    with pytest.raises(InvalidJWT, match="nobody here verifies"):
        verify(token, key=public, algorithm="none")


def test_hmac_secrets_are_as_long_as_their_hash() -> None:
    with pytest.raises(ValueError, match="256 bits"):
        prepare_key(kid="k", algorithm=SigningAlgorithm.HS256, private=b"s" * 31)
    token = jwt.encode({}, b"s" * 64, algorithm="HS512")
    assert verify(token, key=b"s" * 64, algorithm="HS512") == b"{}"
    prepared = prepare_key(kid="k", algorithm=SigningAlgorithm.HS256, private=b"s" * 32)
    with pytest.raises(InvalidJWT, match="bad_signature"):
        verify(token_of(prepared), key=b"s" * 31, algorithm="HS256")


@pytest.mark.parametrize(
    ("algorithm", "private"),
    [
        pytest.param("RS256", pkcs8(WEAK_KEY), id="RSA 1024"),
        pytest.param("PS256", pkcs8(WEAK_KEY), id="RSA 1024, PSS"),
        pytest.param("ES256", pkcs8(ec.generate_private_key(ec.SECP384R1())), id="wrong curve"),
        pytest.param("EdDSA", pkcs8(ec.generate_private_key(ec.SECP256R1())), id="wrong type"),
        pytest.param("ES256", b"not DER", id="garbage"),
    ],
)
def test_a_key_that_does_not_fit_is_not_prepared(algorithm: str, private: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        prepare_key(kid="k", algorithm=SigningAlgorithm(algorithm), private=private)


def test_no_representation_shows_a_private_key() -> None:
    generated = generate_key(SigningAlgorithm.HS256)
    prepared = prepare_key(kid="k", algorithm=SigningAlgorithm.HS256, private=generated.private)
    assert repr(generated.private) not in repr(generated)
    assert repr(generated.private) not in repr(prepared)
