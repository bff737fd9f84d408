"""Verifies a JWT that somebody else signed and turns it into SignedClaims.

The same function serves the assertions of trust profiles (RFC 7523 section 2.1) and of clients
(section 2.2). Who the issuer and the audience must be, and whether a token was seen before, is
for the caller to check. Source: RFC 7523 section 3, RFC 8725 section 3.
"""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tenants.credentials import decrypt, trust_profile_context
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import SignedClaims
from tokens.foreign_keys import InvalidKeySet, JwksCache, KeysUnavailable, filter_keys
from tokens.jose import (
    InvalidJWT,
    UnverifiedHeader,
    UnverifiedJWT,
    decode_unverified,
    parse_json_object,
)
from tokens.jwk import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS
from tokens.signing import verify_signature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.records import JSON, Ciphertext
    from tokens.foreign_keys import ForeignKey
    from tokens.jwk import JWK, PublicKey

logger = logging.getLogger(__name__)

MAXIMUM_KEYS_TRIED: Final = 10
MAXIMUM_AUDIENCES: Final = 20
MAXIMUM_TEXT_CHARACTERS: Final = 1024
# The end of year 9999, after which neither datetime nor anybody here has a date.
LATEST_TIME: Final = 253_402_300_800
# Types of tokens that are meant for something else. Source: RFC 8725 section 3.11.
ACCEPTED_TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})
REFUSED_CLAIM_TYPES: Final = frozenset({"refresh", "offline", "logout"})


class InvalidAssertion(Exception):
    """A foreign token is refused; `reason` is a fixed code and `detail` is for the log only."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason code and the detail, which never holds the token itself."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class KeySource(Protocol):
    """Where the keys for a foreign token come from; a TrustProfileRecord is one."""

    @property
    def id(self) -> UUID:
        """The row, which names the encryption context of the shared secret."""

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
    algorithms: frozenset[str] = ASYMMETRIC_ALGORITHMS
    jwks: tuple[JWK, ...] = ()
    jwks_uri: str = ""
    shared_secret: None = None
    clock_skew_seconds: int = 30


jwks_cache: Final = JwksCache()


def verify_assertion(
    token: str, source: KeySource, now: float, *, cache: JwksCache = jwks_cache
) -> SignedClaims:
    """Verify signature, type, claim types and times of a foreign token; `now` in seconds.

    Raises: InvalidAssertion.
    """
    try:
        unverified = decode_unverified(token, algorithms=_allowed_algorithms(source))
        _check_type(unverified.header)
        _verify_by_any(unverified, _keys(unverified.header, source, cache))
        claims = parse_json_object(unverified.payload)
    except InvalidJWT as error:
        raise InvalidAssertion(error.reason, error.detail) from error
    _check_claim_type(claims)
    signed = _signed_claims(unverified, claims)
    _check_times(signed, now, source.clock_skew_seconds)
    return signed


def _allowed_algorithms(source: KeySource) -> frozenset[str]:
    """Cut the allow-list to one family, so that a public key is never taken for a secret."""
    if source.shared_secret is None:
        return source.algorithms & ASYMMETRIC_ALGORITHMS
    if source.jwks or source.jwks_uri:
        raise InvalidAssertion("keys_and_secret", "both public keys and a shared secret")
    return source.algorithms & SYMMETRIC_ALGORITHMS


def _check_type(header: UnverifiedHeader) -> None:
    if header.type is None:
        return
    if header.type.lower().removeprefix("application/") not in ACCEPTED_TYPES:
        raise InvalidAssertion("wrong_type", "the header's typ is of another kind of token")


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
            return cache.keys(source.jwks_uri, kid=header.key_id)
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


def _signed_claims(unverified: UnverifiedJWT, claims: dict[str, JSON]) -> SignedClaims:
    issuer, expires_at = _text(claims, "iss"), _time(claims, "exp")
    if issuer is None:
        raise InvalidAssertion("missing_claim", "iss")
    if expires_at is None:
        raise InvalidAssertion("missing_claim", "exp")
    return SignedClaims(
        issuer=issuer,
        subject=_text(claims, "sub"),
        audiences=_audiences(claims),
        issued_at=_time(claims, "iat"),
        expires_at=expires_at,
        not_before=_time(claims, "nbf"),
        token_id=_text(claims, "jti"),
        key_id=unverified.header.key_id,
        algorithm=unverified.header.algorithm,
        claims=claims,
        signing_input_hash=hashlib.sha256(unverified.signing_input).digest(),
    )


def _text(claims: Mapping[str, JSON], name: str) -> str | None:
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= MAXIMUM_TEXT_CHARACTERS:
        raise InvalidAssertion("invalid_claim", f"{name} is not a short text")
    return value


def _audiences(claims: Mapping[str, JSON]) -> tuple[str, ...]:
    """Source: RFC 7519 section 4.1.3: one string or an array of them."""
    value = claims.get("aud")
    audiences = value if isinstance(value, list) else [value]
    strings = tuple(audience for audience in audiences if isinstance(audience, str) and audience)
    if not strings:
        raise InvalidAssertion("missing_claim", "aud")
    if len(strings) != len(audiences) or len(strings) > MAXIMUM_AUDIENCES:
        raise InvalidAssertion("invalid_claim", "aud is not a short array of strings")
    return strings


def _time(claims: Mapping[str, JSON], name: str) -> int | None:
    """Source: RFC 7519 section 2: a NumericDate is a number, with or without a fraction."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidAssertion("invalid_claim", f"{name} is not a number")
    if not 0 <= value < LATEST_TIME:
        raise InvalidAssertion("invalid_claim", f"{name} is no sensible time")
    return math.floor(value)


def _check_times(signed: SignedClaims, now: float, skew: int) -> None:
    """Source: RFC 7523 section 3, rules 4 to 6."""
    if signed.expires_at + skew <= now:
        raise InvalidAssertion("expired", "exp has passed")
    if signed.not_before is not None and signed.not_before - skew > now:
        raise InvalidAssertion("not_yet_valid", "nbf is in the future")
    if signed.issued_at is not None and signed.issued_at - skew > now:
        raise InvalidAssertion("issued_in_future", "iat is in the future")
