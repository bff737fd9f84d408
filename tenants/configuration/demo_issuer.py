"""Plays the demo application's own identity provider: an issuer outside of the platform.

It stands in for somebody else's software, so it shares no code with our own signing.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm

if TYPE_CHECKING:
    from tenants.records import JSON

ISSUER = "https://issuer.application.example"
KEY_ID = "demo"
LIFETIME_SECONDS = 3600


def make_key() -> str:
    """Make the issuer's private key, as one line of text."""
    der = generate_private_key(SECP256R1()).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    return base64.urlsafe_b64encode(der).decode("ascii")


def write_jwks(key: str) -> str:
    """Write the issuer's public key as a list of JWK in JSON, which is YAML as well."""
    public: dict[str, JSON] = json.loads(ECAlgorithm.to_jwk(_load(key).public_key()))
    return json.dumps([{**public, "kid": KEY_ID, "alg": "ES256", "use": "sig"}], sort_keys=True)


def sign_assertion(key: str, *, audience: str, subject: str, scope: str) -> str:
    """Sign an assertion that is good once, within the next hour. Source: RFC 7523 section 3."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": subject,
        "aud": audience,
        "scope": scope,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, _load(key), algorithm="ES256", headers={"kid": KEY_ID})


def _load(key: str) -> EllipticCurvePrivateKey:
    loaded = load_der_private_key(base64.urlsafe_b64decode(key), password=None)
    if not isinstance(loaded, EllipticCurvePrivateKey):
        raise TypeError("the demo issuer's key is an EC key")
    return loaded
