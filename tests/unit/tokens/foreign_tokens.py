"""Foreign tokens, good and hostile, with the keys and the profile that they meet."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tenants.records import TrustProfileRecord
from tokens.assertions import InvalidAssertion, explain_assertion, verify_assertion
from tokens.jose import encode_base64url
from tokens.jwk import public_members

if TYPE_CHECKING:
    from tenants.records import JSON
    from tokens.assertions import KeySource

NOW = 1_800_000_000
EC_KEY = ec.generate_private_key(ec.SECP256R1())
EC_OTHER = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose.
SECRET = b"0123456789abcdef0123456789abcdef"


def jwk_of(key: Any, **members: JSON) -> dict[str, JSON]:  # noqa: ANN401 - any private key.
    return public_members(key.public_key()) | members


PROFILE = TrustProfileRecord(
    id=UUID(int=9),
    slug="partner",
    issuer="https://issuer.example",
    audience="https://us.example",
    algorithms=frozenset({"ES256", "RS256", "HS256", "none"}),
    jwks=(jwk_of(EC_KEY, kid="ec"), jwk_of(RSA_KEY, kid="rsa")),
)
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "sub": "alice",
    "aud": "https://us.example",
    "iat": NOW - 10,
    "exp": NOW + 60,
    "jti": "one",
}


def make(
    claims: dict[str, Any] | None = None,
    *,
    key: Any = EC_KEY,  # noqa: ANN401 - any private key.
    algorithm: str = "ES256",
    headers: dict[str, Any] | None = None,
) -> str:
    used = {"kid": "ec"} if headers is None else headers
    return jwt.encode(CLAIMS if claims is None else claims, key, algorithm, used)


def raw(header: str, payload: str, signature: bytes = b"\x01") -> str:
    return ".".join(
        encode_base64url(part) for part in (header.encode(), payload.encode(), signature)
    )


def signed_raw(payload: bytes, header: bytes = b'{"alg":"ES256","kid":"ec"}') -> str:
    head = f"{encode_base64url(header)}.{encode_base64url(payload)}"
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(
        head.encode(), EC_KEY
    )
    return f"{head}.{encode_base64url(signature)}"


def refusal(token: str, source: KeySource = PROFILE, now: float = NOW) -> str:
    with pytest.raises(InvalidAssertion) as refused:
        verify_assertion(token, source, now)
    assert token not in str(refused.value) or not token
    # An explanation takes the same steps, so what refuses first there is what refuses here.
    checks, _ = explain_assertion(token, source, now)
    assert next(c.reason for c in checks if not c.passed) == refused.value.reason
    return refused.value.reason


def hmac_token(secret: bytes) -> str:
    header = b'{"alg":"HS256","kid":"rsa"}'
    head = f"{encode_base64url(header)}.{encode_base64url(json.dumps(CLAIMS).encode())}"
    return f"{head}.{encode_base64url(hmac.digest(secret, head.encode(), 'sha256'))}"


GOOD = make()


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}
