"""Every algorithm against the RFCs' own examples, and against jwcrypto in both directions."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import pytest
from jwcrypto import jwk, jws  # type: ignore[import-untyped]  # It has no types.
from jwcrypto.jwa import JWA  # type: ignore[import-untyped]  # As above.

from tokens.jwk import (
    ASYMMETRIC_ALGORITHMS,
    CURVES,
    EDWARDS_ALGORITHMS,
    RSA_ALGORITHMS,
    SYMMETRIC_ALGORITHMS,
    public_key,
)
from tokens.signing import (
    InvalidJWT,
    PublicKey,
    SigningAlgorithm,
    encode_header,
    generate_key,
    prepare_key,
    sign,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOAD: Final = b'{"iss":"joe","aud":"https://orders.example/"}'
ALGORITHMS: Final = sorted(SYMMETRIC_ALGORITHMS | ASYMMETRIC_ALGORITHMS)
# The claims of RFC 7515 appendix A, whose lines end with CR and LF.
_CLAIMS: Final = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
_RSA_N: Final = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D"
    "WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
_RSA_SIGNATURE: Final = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
VECTORS: Final[dict[str, tuple[str, Mapping[str, Any], str]]] = {
    "RFC 7515 A.1": (
        "HS256",
        {
            "kty": "oct",
            "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"
            "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        },
        (
            f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{_CLAIMS}"
            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        ),
    ),
    "RFC 7515 A.2": (
        "RS256",
        {"kty": "RSA", "n": _RSA_N, "e": "AQAB"},
        f"eyJhbGciOiJSUzI1NiJ9.{_CLAIMS}.{_RSA_SIGNATURE}",
    ),
    "RFC 7515 A.3": (
        "ES256",
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        (
            f"eyJhbGciOiJFUzI1NiJ9.{_CLAIMS}"
            ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
    ),
    "RFC 8037 A.4": (
        "EdDSA",
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
            ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ),
}


def read_key(members: Mapping[str, Any]) -> PublicKey:
    if members["kty"] != "oct":
        return public_key(members)
    text = str(members["k"])
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_their_key(algorithm: str) -> jwk.JWK:
    if algorithm in SYMMETRIC_ALGORITHMS:
        return jwk.JWK.generate(kty="oct", size=int(algorithm[2:]))
    if algorithm in RSA_ALGORITHMS:
        return jwk.JWK.generate(kty="RSA", size=2048)
    if algorithm in EDWARDS_ALGORITHMS:
        return jwk.JWK.generate(kty="OKP", crv="Ed25519")
    return jwk.JWK.generate(kty="EC", crv=CURVES[algorithm][0])


def sign_theirs(key: jwk.JWK, algorithm: str, named: str = "") -> str:
    """Sign with jwcrypto by an algorithm; the header may name another."""
    head = encode_header({"alg": named or algorithm})
    signed = head + b"." + _encode(PAYLOAD)
    # It knows RFC 9864's name by the older one only.
    known = "EdDSA" if algorithm == "Ed25519" else algorithm
    octets = JWA.signing_alg(known).sign(key, signed)
    return (signed + b"." + _encode(octets)).decode()


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def key_of(theirs: jwk.JWK) -> PublicKey:
    return read_key(theirs.export(private_key=theirs["kty"] == "oct", as_dict=True))


@pytest.mark.parametrize(("algorithm", "members", "token"), VECTORS.values(), ids=VECTORS)
def test_example_of_the_rfc_verifies_and_an_altered_one_does_not(
    algorithm: str, members: Mapping[str, Any], token: str
) -> None:
    key = read_key(members)
    assert verify(token, key=key, algorithm=algorithm)
    head, payload, signature = token.split(".")
    other = "B" if signature[5] == "A" else "A"
    altered = f"{head}.{payload}.{signature[:5]}{other}{signature[6:]}"
    with pytest.raises(InvalidJWT, match="bad_signature"):
        verify(altered, key=key, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_jwcrypto_signs_verifies_by_its_algorithm_and_no_other(algorithm: str) -> None:
    theirs = make_their_key(algorithm)
    token, key = sign_theirs(theirs, algorithm), key_of(theirs)
    assert verify(token, key=key, algorithm=algorithm) == PAYLOAD
    for other in set(ALGORITHMS) - {algorithm}:
        with pytest.raises(InvalidJWT, match="algorithm_not_allowed"):
            verify(token, key=key, algorithm=other)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_header_that_names_another_algorithm_does_not_verify(algorithm: str) -> None:
    theirs = make_their_key(algorithm)
    same = EDWARDS_ALGORITHMS if algorithm in EDWARDS_ALGORITHMS else {algorithm}
    for other in set(ALGORITHMS) - same:
        token = sign_theirs(theirs, algorithm, named=other)
        with pytest.raises(InvalidJWT, match="bad_signature"):
            verify(token, key=key_of(theirs), algorithm=other)


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_jwcrypto_verifies_what_we_sign(algorithm: SigningAlgorithm) -> None:
    private, public = generate_key(algorithm)
    prepared = prepare_key(kid="k", algorithm=algorithm, private=private)
    text = sign(prepared, encode_header({"alg": algorithm.value, "kid": "k"}), PAYLOAD)
    secret = _encode(private).decode()
    members = {"kty": "oct", "k": secret} if public is None else dict(public)
    token = jws.JWS()
    token.allowed_algs = [algorithm.value]
    token.deserialize(text, jwk.JWK(**members))
    assert token.payload == PAYLOAD
