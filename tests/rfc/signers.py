"""Keys of clients and of outside issuers, and the assertions that they sign."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    from collections.abc import Callable

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


MAKERS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    **dict.fromkeys(("EdDSA", "Ed25519"), ed25519.Ed25519PrivateKey.generate),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _rsa_key),
}


_SIGNATURES = jwt.PyJWS()
if "Ed25519" not in _SIGNATURES.get_algorithms():
    # Source: RFC 9864 section 2.2: the name that says which curve is meant.
    _SIGNATURES.register_algorithm("Ed25519", jwt.algorithms.OKPAlgorithm())


@dataclass(frozen=True)
class Signer:
    """A private key with its algorithm and its name."""

    private: Any
    algorithm: str = "ES256"
    kid: str = "first"

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        algorithm = _SIGNATURES.get_algorithm_by_name(self.algorithm)
        public: dict[str, Any] = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
            "key_ops": ["verify"],
        }

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:  # noqa: ANN401 - JSON.
        """Sign what a test says; a claim of None is left out."""
        kept = {name: value for name, value in claims.items() if value is not None}
        payload = json.dumps(kept).encode()
        return _SIGNATURES.encode(
            payload, self.private, self.algorithm, {"typ": "JWT", "kid": self.kid, **headers}
        )


def make_signer(algorithm: str = "ES256", kid: str = "first") -> Signer:
    return Signer(MAKERS[algorithm](), algorithm, kid)


def assertion_claims(
    issuer: str,
    subject: str,
    audience: str,
    **changes: Any,  # noqa: ANN401 - JSON.
) -> dict[str, Any]:
    """Write the claims of a good assertion, with a test's changes."""
    now = int(time.time())
    claims = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    return claims | changes


def client_assertion(
    signer: Signer,
    client_id: str,
    issuer: str,
    **changes: Any,  # noqa: ANN401 - JSON.
) -> dict[str, Any]:
    """Write the two parameters by which a client authenticates. Source: RFC 7523 section 2.2."""
    text = signer.sign(assertion_claims(client_id, client_id, issuer, **changes))
    return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": text}
