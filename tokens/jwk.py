"""Generates keys, turns them into JWKs and JWKs into keys, and names them. Nothing here signs."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import load_pem_x509_certificates

from tenants.records import JSON
from tokens.jose import InvalidJWT, decode_base64url, encode_base64url

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
_OWN_KEYS: Final = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)
AsymmetricPublicKey: TypeAlias = (
    ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
)
PublicKey: TypeAlias = AsymmetricPublicKey | bytes
JWK: TypeAlias = Mapping[str, JSON]

HS256_BYTES: Final = 32
RSA_BITS: Final = range(2048, 8193)
PUBLIC_EXPONENT: Final = 65537
RSA_EXPONENTS: Final = range(3, 1 << 32, 2)
SYMMETRIC_ALGORITHMS: Final = frozenset({"HS256", "HS384", "HS512"})
RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
EDWARDS_ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})
# Source: RFC 7518 sections 3.4 and 6.2.1: algorithm -> curve in a JWK, curve, coordinate bytes.
CURVES: Final[Mapping[str, tuple[str, ec.EllipticCurve, int]]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
}
CURVE_NAMES: Final = frozenset(curve.name for _, curve, _ in CURVES.values())
# A key of 8 192 bits takes about 1 450.
MAX_PEM_CHARACTERS: Final = 4_096
ASYMMETRIC_ALGORITHMS: Final = RSA_ALGORITHMS | EDWARDS_ALGORITHMS | frozenset(CURVES)

_THUMBPRINT_MEMBERS: Final = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


class SigningAlgorithm(StrEnum):
    """The algorithms with which our own keys sign. Source: RFC 7518 section 3.1, RFC 8037."""

    ES256 = "ES256"
    RS256 = "RS256"
    PS256 = "PS256"
    EDDSA = "EdDSA"
    HS256 = "HS256"


class InvalidJWK(ValueError):
    """A JWK is malformed, too weak, or of a kind that verifies no signature."""


class GeneratedKey(NamedTuple):
    """A new key: its serialised private part and its public JWK, None for a symmetric key."""

    private: bytes
    public_jwk: dict[str, JSON] | None

    def __repr__(self) -> str:
        """Hide the private part."""
        return f"GeneratedKey(public_jwk={self.public_jwk!r})"


def generate_key(algorithm: SigningAlgorithm) -> GeneratedKey:
    """Generate a key; the private part is PKCS #8 DER, or 256 raw bits for HS256."""
    if algorithm is SigningAlgorithm.HS256:
        return GeneratedKey(os.urandom(HS256_BYTES), None)
    private = _generate_asymmetric(algorithm)
    serialised = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    members = public_members(private.public_key())
    kid = thumbprint(members)
    return GeneratedKey(serialised, members | {"use": "sig", "alg": algorithm.value, "kid": kid})


def read_private_key(pem: bytes, algorithm: SigningAlgorithm) -> GeneratedKey:
    """Read somebody's own private key, as unencrypted PEM.

    Raises: ValueError where it is no PEM, too weak, or does not fit the algorithm.
    """
    private = load_pem_private_key(pem, password=None)
    if not isinstance(private, _OWN_KEYS):
        raise ValueError("only RSA, EC and Ed25519 keys can sign tokens")  # noqa: TRY004 - one kind.
    members = public_members(private.public_key())
    if algorithm.value not in fitting_algorithms(public_key(members)):
        raise ValueError(f"the key does not fit {algorithm.value}")
    serialised = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kid = thumbprint(members)
    return GeneratedKey(serialised, members | {"use": "sig", "alg": algorithm.value, "kid": kid})


def key_id(public_jwk: JWK | None) -> str:
    """Make a `kid`: the thumbprint of a public key, a random one for a symmetric key."""
    return encode_base64url(os.urandom(32)) if public_jwk is None else thumbprint(public_jwk)


def thumbprint(public_jwk: JWK) -> str:
    """Compute the SHA-256 thumbprint of a public JWK. Source: RFC 7638 section 3."""
    members = _THUMBPRINT_MEMBERS[str(public_jwk["kty"])]
    required = {name: public_jwk[name] for name in members}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())


def certificate_members(pem: bytes, public_jwk: JWK) -> dict[str, JSON]:
    """Make `x5c` and `x5t#S256` of a certificate chain whose first one certifies the key.

    Raises: ValueError where it is no PEM, or certifies another key.
    Source: RFC 7517 sections 4.7 and 4.9.
    """
    chain = load_pem_x509_certificates(pem)
    if _spki(chain[0].public_key()) != _spki(public_key(public_jwk)):
        raise ValueError("the certificate is not of this key")
    encoded = [certificate.public_bytes(Encoding.DER) for certificate in chain]
    x5c: list[JSON] = [b64encode(der).decode("ascii") for der in encoded]
    return {"x5c": x5c, "x5t#S256": encode_base64url(hashlib.sha256(encoded[0]).digest())}


def fitting_algorithms(key: PublicKey) -> frozenset[str]:
    """Name the algorithms that a key can verify by its type and curve."""
    if isinstance(key, rsa.RSAPublicKey):
        return RSA_ALGORITHMS
    if isinstance(key, ec.EllipticCurvePublicKey):
        return frozenset(alg for alg, row in CURVES.items() if row[1].name == key.curve.name)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return EDWARDS_ALGORITHMS
    return SYMMETRIC_ALGORITHMS


def public_key(jwk: JWK) -> AsymmetricPublicKey:
    """Make the key of a public JWK, or of one that has a PEM text in its place.

    Raises: InvalidJWK for symmetric, malformed and weak keys, and unknown types and curves.
    Source: RFC 7518 section 6, RFC 8037 section 2.
    """
    try:
        match jwk.get("kty"):
            case "RSA":
                return _rsa_key(jwk)
            case "EC":
                return _ec_key(jwk)
            case "OKP" if jwk.get("crv") == "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x"))
            case None if "pem" in jwk:
                return _pem_key(jwk["pem"])
    except (ValueError, InvalidJWT) as error:
        raise InvalidJWK("malformed or weak key") from error
    raise InvalidJWK("unknown key type or curve")


def _pem_key(pem: JSON) -> AsymmetricPublicKey:
    """Read a public key as PEM; it has the same bounds as a JWK. Source: RFC 7468 section 13."""
    if not isinstance(pem, str) or len(pem) > MAX_PEM_CHARACTERS:
        raise InvalidJWK("pem is no short text")
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except UnsupportedAlgorithm as error:
        raise InvalidJWK("unknown key type") from error
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVE_NAMES:
        raise InvalidJWK("unknown curve")
    if not isinstance(key, AsymmetricPublicKey):
        raise InvalidJWK("unknown key type")
    return public_key(public_members(key))


def _rsa_key(jwk: JWK) -> rsa.RSAPublicKey:
    modulus = int.from_bytes(_octets(jwk, "n"), "big")
    exponent = int.from_bytes(_octets(jwk, "e"), "big")
    if modulus.bit_length() not in RSA_BITS or exponent not in RSA_EXPONENTS:
        raise InvalidJWK("an RSA key out of bounds")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ec_key(jwk: JWK) -> ec.EllipticCurvePublicKey:
    for name, curve, size in CURVES.values():
        if jwk.get("crv") == name:
            x, y = _octets(jwk, "x"), _octets(jwk, "y")
            if len(x) != size or len(y) != size:
                raise InvalidJWK("a coordinate of the wrong size")
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
    raise InvalidJWK("unknown curve")


def _octets(jwk: JWK, member: str) -> bytes:
    value = jwk.get(member)
    if not isinstance(value, str):
        raise InvalidJWK(f"{member} is not a string")
    return decode_base64url(value)


def _spki(key: CertificatePublicKeyTypes | AsymmetricPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_members(key: PublicKey) -> dict[str, JSON]:
    """Write the required members of a key's public JWK.

    Raises: InvalidJWK for a symmetric key.
    """
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        name, size = next((n, s) for n, c, s in CURVES.values() if c.name == key.curve.name)
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        x, y = encode_base64url(point[:size]), encode_base64url(point[size:])
        return {"kty": "EC", "crv": name, "x": x, "y": y}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key.public_bytes_raw())}
    raise InvalidJWK("a symmetric key has no public members")


def _integer(number: int) -> str:
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _generate_asymmetric(algorithm: SigningAlgorithm) -> _PrivateKey:
    if algorithm is SigningAlgorithm.ES256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm is SigningAlgorithm.EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(PUBLIC_EXPONENT, RSA_BITS.start)
