"""Verifies a JWT that somebody else signed and turns it into SignedClaims.

The same function serves the assertions of trust profiles (RFC 7523 section 2.1) and of clients
(section 2.2). Who the issuer and the audience must be, and whether a token was seen before, is
for the caller to check. Source: RFC 7523 section 3, RFC 8725 section 3.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from tenants.credentials import decrypt, trust_profile_context
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import Check
from tokens.foreign_claims import InvalidAssertion, Proof, check_times, read_claims
from tokens.foreign_keys import InvalidKeySet, JwksCache, KeysUnavailable, filter_keys
from tokens.jose import (
    InvalidJWT,
    UnverifiedHeader,
    UnverifiedJWT,
    decode_unverified,
    parse_json_object,
)
from tokens.jwk import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS
from tokens.outside_calls import CALLS
from tokens.signing import verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from tenants.records import JSON, Ciphertext, SignedClaims
    from tokens.foreign_keys import ForeignKey
    from tokens.jwk import JWK, PublicKey

__all__ = [
    "ClientKeys",
    "InvalidAssertion",
    "explain_assertion",
    "jwks_cache",
    "verify_assertion",
]

T = TypeVar("T")
logger = logging.getLogger(__name__)

MAXIMUM_KEYS_TRIED: Final = 10
# Types of tokens that are meant for something else. Source: RFC 8725 section 3.11.
ACCEPTED_TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})
REFUSED_CLAIM_TYPES: Final = frozenset({"refresh", "offline", "logout"})


class KeySource(Protocol):
    """Where the keys for a foreign token come from; a TrustProfileRecord is one."""

    @property
    def id(self) -> UUID:
        """The row, which names the encryption context of the shared secret."""

    @property
    def tenant_id(self) -> UUID | None:
        """The tenant for which keys are fetched."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The allow-list of algorithms."""

    @property
    def jwks(self) -> tuple[JWK, ...]:
        """The static public keys."""

    @property
    def jwks_uri(self) -> str:
        """Where the public keys are fetched, or an empty text."""

    @property
    def shared_secret(self) -> Ciphertext | None:
        """The symmetric key, and then there are no public ones."""

    @property
    def clock_skew_seconds(self) -> int:
        """How wrong the other clock may be, in seconds."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The keys of a client that authenticates by `private_key_jwt`; never a shared secret."""

    id: UUID
    tenant_id: UUID | None = None
    algorithms: frozenset[str] = ASYMMETRIC_ALGORITHMS
    jwks: tuple[JWK, ...] = ()
    jwks_uri: str = ""
    shared_secret: None = None
    clock_skew_seconds: int = 30


jwks_cache: Final = JwksCache(calls=CALLS)


@dataclass(slots=True)
class _Verification:
    """A token on its way through the steps; each fills in what the next ones need."""

    token: str
    source: KeySource
    now: float
    cache: JwksCache
    types: frozenset[str] = ACCEPTED_TYPES
    unverified: UnverifiedJWT | None = None
    keys: tuple[PublicKey, ...] | None = None
    signed: SignedClaims | None = None


def verify_assertion(
    token: str,
    source: KeySource,
    now: float,
    *,
    cache: JwksCache = jwks_cache,
    types: frozenset[str] = ACCEPTED_TYPES,
) -> SignedClaims:
    """Verify signature, type, claim types and times of a foreign token; `now` in seconds.

    Raises: InvalidAssertion.
    """
    verification = _Verification(token, source, now, cache, types)
    for step in _STEPS.values():
        _take(step, verification)
    assert verification.signed is not None  # noqa: S101 - a step has filled it in.
    return verification.signed


def explain_assertion(
    token: str,
    source: KeySource,
    now: float,
    *,
    cache: JwksCache = jwks_cache,
    types: frozenset[str] = ACCEPTED_TYPES,
) -> tuple[tuple[Check, ...], SignedClaims | None]:
    """Take the same steps, go on after one that refuses, and list what each of them says.

    The claims are those that stand in the token, whether or not anything proves them.
    """
    verification = _Verification(token, source, now, cache, types)
    checks = []
    for name, step in _STEPS.items():
        try:
            _take(step, verification)
        except InvalidAssertion as error:
            checks.append(Check(name, passed=False, reason=error.reason, detail=error.detail))
        else:
            checks.append(Check(name, passed=True))
    return tuple(checks), verification.signed


def _take(step: Callable[[_Verification], None], verification: _Verification) -> None:
    try:
        step(verification)
    except InvalidJWT as error:
        raise InvalidAssertion(error.reason, error.detail) from error


def _read_form(verification: _Verification) -> None:
    allowed = _allowed_algorithms(verification.source)
    verification.unverified = decode_unverified(verification.token, algorithms=allowed)


def _check_type(verification: _Verification) -> None:
    kind = _reached(verification.unverified).header.type
    if kind is not None and kind.lower().removeprefix("application/") not in verification.types:
        raise InvalidAssertion("wrong_type", "the header's typ is of another kind of token")


def _find_keys(verification: _Verification) -> None:
    header = _reached(verification.unverified).header
    verification.keys = _keys(header, verification.source, verification.cache)


def _verify_signature(verification: _Verification) -> None:
    _verify_by_any(_reached(verification.unverified), _reached(verification.keys))


def _read_claims(verification: _Verification) -> None:
    unverified = _reached(verification.unverified)
    claims = parse_json_object(unverified.payload)
    _check_claim_type(claims)
    digest = hashlib.sha256(unverified.signing_input).digest()
    header = unverified.header
    verification.signed = read_claims(claims, Proof(digest, header.algorithm, header.key_id))


def _check_times(verification: _Verification) -> None:
    skew = verification.source.clock_skew_seconds
    check_times(_reached(verification.signed), verification.now, skew)


_STEPS: Final[Mapping[str, Callable[[_Verification], None]]] = {
    "form": _read_form,
    "type": _check_type,
    "key": _find_keys,
    "signature": _verify_signature,
    "claims": _read_claims,
    "times": _check_times,
}


def _reached(value: T | None) -> T:
    """Answer what an earlier step has filled in; only an explanation goes on without it."""
    if value is None:
        raise InvalidAssertion("not_judged", "an earlier step has failed")
    return value


def _allowed_algorithms(source: KeySource) -> frozenset[str]:
    """Cut the allow-list to one family, so that a public key is never taken for a secret."""
    if source.shared_secret is None:
        return source.algorithms & ASYMMETRIC_ALGORITHMS
    if source.jwks or source.jwks_uri:
        raise InvalidAssertion("keys_and_secret", "both public keys and a shared secret")
    return source.algorithms & SYMMETRIC_ALGORITHMS


def _check_claim_type(claims: Mapping[str, JSON]) -> None:
    # Some issuers tell refresh tokens apart by a claim only.
    kind = claims.get("typ")
    if isinstance(kind, str) and kind.lower() in REFUSED_CLAIM_TYPES:
        raise InvalidAssertion("wrong_type", "the claim typ is of another kind of token")


def _keys(header: UnverifiedHeader, source: KeySource, cache: JwksCache) -> tuple[PublicKey, ...]:
    if source.shared_secret is not None:
        return (_shared_key(source.id, source.shared_secret),)
    candidates = tuple(
        key.public_key
        for key in _foreign_keys(header, source, cache)
        if header.algorithm in key.algorithms and _may_be(header.key_id, key.key_id)
    )
    if not candidates:
        raise InvalidAssertion("unknown_key", "no usable key for this kid and alg")
    if len(candidates) > MAXIMUM_KEYS_TRIED:
        raise InvalidAssertion("kid_required", "too many keys could have signed this")
    return candidates


def _shared_key(source_id: UUID, ciphertext: Ciphertext) -> bytes:
    try:
        return decrypt(ciphertext, context=trust_profile_context(source_id))
    except (UnknownKeyEncryptionKey, InvalidCiphertext) as error:
        # The fault is ours, yet the caller of a token endpoint gets no 5xx for it.
        logger.exception("shared secret not readable", extra={"trust_profile_id": str(source_id)})
        raise InvalidAssertion("keys_unavailable", "the shared secret is unreadable") from error


def _may_be(wanted: str | None, offered: str | None) -> bool:
    return wanted is None or offered is None or wanted == offered


def _foreign_keys(
    header: UnverifiedHeader, source: KeySource, cache: JwksCache
) -> tuple[ForeignKey, ...]:
    try:
        if source.jwks:
            return filter_keys(source.jwks)
        if source.jwks_uri:
            return cache.keys(source.jwks_uri, kid=header.key_id, tenant_id=source.tenant_id)
    except InvalidKeySet as error:
        raise InvalidAssertion("invalid_key_set", str(error)) from error
    except KeysUnavailable as error:
        raise InvalidAssertion("keys_unavailable", "the JWK set can't be fetched") from error
    return ()


def _verify_by_any(unverified: UnverifiedJWT, keys: tuple[PublicKey, ...]) -> None:
    for key in keys[:-1]:
        try:
            verify_signature(unverified, key)
        except InvalidJWT:
            continue
        return
    verify_signature(unverified, keys[-1])
