"""JWKs become keys and keys become JWKs; weak and malformed ones are refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)
from cryptography.x509.oid import NameOID

from tokens.jose import (
    encode_base64url,
)
from tokens.jwk import InvalidJWK, fitting_algorithms, public_members
from tokens.signing import (
    SigningAlgorithm,
    certificate_members,
    generate_key,
    key_id,
    public_key,
    thumbprint,
)

WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose.
ASYMMETRIC = [algorithm for algorithm in SigningAlgorithm if algorithm != "HS256"]


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_public_jwk_is_named_by_its_thumbprint_and_has_no_private_member(
    algorithm: SigningAlgorithm,
) -> None:
    _, public_jwk = generate_key(algorithm)
    assert public_jwk is not None
    assert public_jwk["kid"] == thumbprint(public_jwk) == key_id(public_jwk)
    assert (public_jwk["use"], public_jwk["alg"]) == ("sig", algorithm.value)
    assert {"d", "p", "q", "dp", "dq", "qi", "k"}.isdisjoint(public_jwk)
    assert algorithm.value in fitting_algorithms(public_key(public_jwk))


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    # Source: RFC 7638 section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
        "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
        "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
        "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_kid_of_a_symmetric_key_is_random() -> None:
    assert generate_key(SigningAlgorithm.HS256).public_jwk is None
    assert len(key_id(None)) == 43
    assert key_id(None) != key_id(None)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_all_curves_survive_their_jwk(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve).public_key()
    assert public_key(public_members(key)) == key


def certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    now = datetime(2030, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_certificate_of_the_key_becomes_x5c_and_its_thumbprint() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = certificate(key)
    members = certificate_members(pem, public_members(key.public_key()))
    parsed = x509.load_pem_x509_certificate(pem)
    assert members == {
        "x5c": [base64.b64encode(parsed.public_bytes(Encoding.DER)).decode()],
        "x5t#S256": encode_base64url(parsed.fingerprint(hashes.SHA256())),
    }


def test_a_certificate_of_another_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = certificate(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ValueError, match="not of this key"):
        certificate_members(pem, public_members(other))
    with pytest.raises(ValueError, match="PEM"):
        certificate_members(b"no PEM", public_members(other))


RSA_JWK = public_members(rsa.generate_private_key(65537, 2048).public_key())
EC_JWK = public_members(ec.generate_private_key(ec.SECP256R1()).public_key())
OKP_JWK = public_members(ed25519.Ed25519PrivateKey.generate().public_key())
WEAK_JWK = public_members(WEAK_KEY.public_key())


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param({}, id="empty"),
        pytest.param({"kty": "oct", "k": "AAAA"}, id="symmetric"),
        pytest.param({"kty": ["RSA"]}, id="type is a list"),
        pytest.param(WEAK_JWK, id="RSA 1024"),
        pytest.param(RSA_JWK | {"n": encode_base64url(b"\xff" * 1025)}, id="RSA 8200"),
        pytest.param(RSA_JWK | {"e": encode_base64url(b"\x01")}, id="exponent 1"),
        pytest.param(RSA_JWK | {"e": encode_base64url(b"\x01\x00\x00")}, id="even exponent"),
        pytest.param(RSA_JWK | {"e": encode_base64url(b"\xff" * 200)}, id="costly exponent"),
        pytest.param(RSA_JWK | {"n": 5}, id="modulus is a number"),
        pytest.param(RSA_JWK | {"n": str(RSA_JWK["n"]) + "="}, id="padded"),
        pytest.param(EC_JWK | {"crv": "P-384"}, id="coordinates of another curve"),
        pytest.param(EC_JWK | {"crv": "secp256k1"}, id="unknown curve"),
        pytest.param(EC_JWK | {"x": encode_base64url(bytes(32))}, id="not on the curve"),
        pytest.param(EC_JWK | {"x": encode_base64url(b"\x01")}, id="short coordinate"),
        pytest.param(OKP_JWK | {"crv": "X25519"}, id="key agreement"),
        pytest.param(OKP_JWK | {"x": encode_base64url(bytes(31))}, id="short point"),
    ],
)
def test_a_weak_or_malformed_jwk_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(InvalidJWK):
        public_key(jwk)  # type: ignore[arg-type]  # hostile types are the point


def test_a_symmetric_key_has_no_public_members_and_no_certificate() -> None:
    assert fitting_algorithms(b"s" * 32) == {"HS256", "HS384", "HS512"}
    with pytest.raises(InvalidJWK):
        public_members(b"s" * 32)
    with pytest.raises(InvalidJWK):
        certificate_members(
            certificate(ec.generate_private_key(ec.SECP256R1())), {"kty": "oct", "k": "AAAA"}
        )
