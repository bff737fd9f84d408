"""Foreign JWK sets are filtered: what must not verify a signature is left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tokens.foreign_keys import (
    InvalidKeySet,
    filter_keys,
    parse_key_set,
    usable_key,
)
from tokens.jwk import SigningAlgorithm, generate_key, public_members

if TYPE_CHECKING:
    from tenants.records import JSON


def jwk_of(algorithm: SigningAlgorithm = SigningAlgorithm.ES256) -> dict[str, JSON]:
    public_jwk = generate_key(algorithm).public_jwk
    assert public_jwk is not None
    return public_jwk


ES256 = jwk_of()
RS256 = jwk_of(SigningAlgorithm.RS256)
EDDSA = jwk_of(SigningAlgorithm.EDDSA)
P384 = public_members(ec.generate_private_key(ec.SECP384R1()).public_key())
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose.
WEAK = public_members(WEAK_KEY.public_key())


def without(jwk: dict[str, JSON], *names: str) -> dict[str, JSON]:
    return {name: value for name, value in jwk.items() if name not in names}


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        pytest.param(ES256, {"ES256"}, id="EC with alg"),
        pytest.param(without(ES256, "alg", "use", "kid"), {"ES256"}, id="EC bare"),
        pytest.param(P384, {"ES384"}, id="P-384"),
        pytest.param(RS256, {"RS256"}, id="RSA with alg"),
        pytest.param(
            without(RS256, "alg"),
            {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
            id="RSA of all algorithms",
        ),
        pytest.param(EDDSA, {"EdDSA"}, id="Ed25519 with alg"),
        pytest.param(without(EDDSA, "alg"), {"EdDSA", "Ed25519"}, id="Ed25519 under both names"),
        pytest.param(ES256 | {"key_ops": ["verify"]}, {"ES256"}, id="for verifying"),
        pytest.param(ES256 | {"x5c": ["AAAA"], "x5u": "https://evil.example"}, {"ES256"}, id="x5c"),
    ],
)
def test_a_key_verifies_what_its_type_and_alg_say(
    jwk: dict[str, JSON], algorithms: set[str]
) -> None:
    key = usable_key(jwk)
    assert key is not None
    assert key.algorithms == algorithms
    assert key.key_id == jwk.get("kid")


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(WEAK, id="RSA 1024"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, id="symmetric"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, id="symmetric with alg"),
        pytest.param(ES256 | {"d": "AAAA"}, id="private EC"),
        pytest.param(RS256 | {"p": "AAAA"}, id="part of a private RSA key"),
        pytest.param(RS256 | {"k": "AAAA"}, id="public and symmetric"),
        pytest.param(ES256 | {"use": "enc"}, id="for encryption"),
        pytest.param(ES256 | {"use": None}, id="use is null"),
        pytest.param(ES256 | {"key_ops": ["sign"]}, id="for signing"),
        pytest.param(ES256 | {"key_ops": []}, id="for nothing"),
        pytest.param(ES256 | {"key_ops": "verify"}, id="key_ops is a string"),
        pytest.param(ES256 | {"alg": "RS256"}, id="alg of another type"),
        pytest.param(ES256 | {"alg": "ES384"}, id="alg of another curve"),
        pytest.param(RS256 | {"alg": "HS256"}, id="alg is symmetric"),
        pytest.param(RS256 | {"alg": "none"}, id="alg none"),
        pytest.param(RS256 | {"alg": "RSA-OAEP"}, id="alg encrypts"),
        pytest.param(ES256 | {"alg": ["ES256"]}, id="alg is a list"),
        pytest.param(ES256 | {"crv": "P-384"}, id="wrong curve"),
        pytest.param(ES256 | {"kid": 7}, id="kid is a number"),
        pytest.param(ES256 | {"kid": ""}, id="kid is empty"),
        pytest.param(ES256 | {"kid": "k" * 256}, id="kid is long"),
        pytest.param(ES256 | {"x": "!"}, id="malformed"),
        pytest.param(ES256 | {"x": b"\x00"}, id="no JSON"),
        pytest.param({}, id="empty"),
    ],
)
def test_a_key_that_must_not_verify_is_left_out(jwk: dict[str, Any]) -> None:
    assert usable_key(jwk) is None
    assert [key.key_id for key in filter_keys([jwk, RS256])] == [RS256["kid"]]


def test_a_set_of_more_than_a_hundred_keys_is_refused() -> None:
    with pytest.raises(InvalidKeySet, match="100 keys"):
        filter_keys([ES256] * 101)


def test_two_usable_keys_must_not_share_a_kid() -> None:
    with pytest.raises(InvalidKeySet, match="share a kid"):
        filter_keys([ES256, RS256 | {"kid": ES256["kid"]}])
    encryption = RS256 | {"kid": ES256["kid"], "use": "enc"}
    assert len(filter_keys([ES256, encryption, without(EDDSA, "kid"), without(RS256, "kid")])) == 3


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="no keys"),
        pytest.param(b'{"keys":{}}', id="keys is an object"),
        pytest.param(b'{"keys":[],"keys":[]}', id="keys twice"),
        pytest.param(b"[" * 60_000, id="nested"),
        pytest.param(b'{"keys":[]}' + b" " * 65_536, id="large"),
        pytest.param(b"\xff", id="not UTF-8"),
    ],
)
def test_a_malformed_set_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidKeySet):
        parse_key_set(raw)


def test_what_is_no_object_in_a_set_is_left_out() -> None:
    raw = json.dumps({"keys": [None, 7, "x", [], ES256]}).encode()
    assert [key.key_id for key in parse_key_set(raw)] == [ES256["kid"]]


def pem_of(key: Any) -> str:  # noqa: ANN401 - any private key.
    public = key.public_key()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
PRIVATE_PEM = EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_key_may_be_a_pem_text() -> None:
    for made, algorithm in ((EC_KEY, "ES256"), (RSA_KEY, "PS384")):
        key = usable_key({"pem": pem_of(made), "kid": "theirs", "alg": algorithm})
        assert key is not None
        assert (key.key_id, key.algorithms) == ("theirs", frozenset({algorithm}))
        jwk = usable_key(public_members(made.public_key()))
        assert jwk is not None
        assert key.public_key == jwk.public_key
    bare = usable_key({"pem": pem_of(ed25519.Ed25519PrivateKey.generate())})
    assert bare is not None
    assert (bare.key_id, bare.algorithms) == (None, frozenset({"EdDSA", "Ed25519"}))


BAD_PEMS: dict[str, JSON] = {
    "a private key": PRIVATE_PEM,
    "a weak key": pem_of(WEAK_KEY),
    "another curve": pem_of(ec.generate_private_key(ec.SECP256K1())),
    "a key for agreement": pem_of(x25519.X25519PrivateKey.generate()),
    "no PEM": "key",
    "empty": "",
    "a number": 7,
    "a list": [pem_of(EC_KEY)],
    "huge": pem_of(EC_KEY) + "x" * 5_000,
    "not ASCII": pem_of(EC_KEY) + "\u00fc",
}


@pytest.mark.parametrize("pem", BAD_PEMS.values(), ids=BAD_PEMS)
def test_a_pem_text_has_the_bounds_of_a_jwk(pem: JSON) -> None:
    assert usable_key({"pem": pem}) is None
    assert usable_key({"pem": pem_of(EC_KEY), "kty": "oct"}) is None
