"""Reads the claims of a foreign token that has been proven, and refuses what is malformed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.records import SignedClaims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON

MAXIMUM_AUDIENCES: Final = 20
MAXIMUM_TEXT_CHARACTERS: Final = 1024
# The end of year 9999, after which neither datetime nor anybody here has a date.
LATEST_TIME: Final = 253_402_300_800


class InvalidAssertion(Exception):
    """A foreign token is refused; `reason` is a fixed code and `detail` is for the log only."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason code and the detail, which never holds the token itself."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Proof:
    """How a token was proven: by which key and algorithm, and the digest of what was proven.

    What an introspection endpoint has vouched for has neither key nor algorithm.
    """

    digest: bytes
    algorithm: str = ""
    key_id: str | None = None


def read_claims(
    claims: Mapping[str, JSON], proof: Proof, *, default_issuer: str | None = None
) -> SignedClaims:
    """Read the registered claims; without `iss` the issuer is the default, if there is one.

    Raises: InvalidAssertion.
    Source: RFC 7523 section 3.
    """
    issuer, expires_at = read_text(claims, "iss") or default_issuer, read_time(claims, "exp")
    if issuer is None:
        raise InvalidAssertion("missing_claim", "iss")
    if expires_at is None:
        raise InvalidAssertion("missing_claim", "exp")
    return SignedClaims(
        issuer=issuer,
        subject=read_text(claims, "sub"),
        audiences=read_audiences(claims),
        issued_at=read_time(claims, "iat"),
        expires_at=expires_at,
        not_before=read_time(claims, "nbf"),
        token_id=read_text(claims, "jti"),
        key_id=proof.key_id,
        algorithm=proof.algorithm,
        claims=claims,
        signing_input_hash=proof.digest,
    )


def read_text(claims: Mapping[str, JSON], name: str) -> str | None:
    """Read a claim that is a short text; None where it is absent.

    Raises: InvalidAssertion.
    """
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= MAXIMUM_TEXT_CHARACTERS:
        raise InvalidAssertion("invalid_claim", f"{name} is not a short text")
    return value


def read_audiences(claims: Mapping[str, JSON]) -> tuple[str, ...]:
    """Read whom the token is for: one string or an array of them.

    Raises: InvalidAssertion.
    Source: RFC 7519 section 4.1.3.
    """
    value = claims.get("aud")
    audiences = value if isinstance(value, list) else [value]
    strings = tuple(audience for audience in audiences if isinstance(audience, str) and audience)
    if not strings:
        raise InvalidAssertion("missing_claim", "aud")
    if len(strings) != len(audiences) or len(strings) > MAXIMUM_AUDIENCES:
        raise InvalidAssertion("invalid_claim", "aud is not a short array of strings")
    return strings


def read_time(claims: Mapping[str, JSON], name: str) -> int | None:
    """Read a NumericDate, with or without a fraction, in seconds; None where it is absent.

    Raises: InvalidAssertion.
    Source: RFC 7519 section 2.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidAssertion("invalid_claim", f"{name} is not a number")
    if not 0 <= value < LATEST_TIME:
        raise InvalidAssertion("invalid_claim", f"{name} is no sensible time")
    return math.floor(value)


def check_times(signed: SignedClaims, now: float, skew: int) -> None:
    """Demand that the token lives now, give or take the skew in seconds.

    Raises: InvalidAssertion.
    Source: RFC 7523 section 3, rules 4 to 6.
    """
    if signed.expires_at + skew <= now:
        raise InvalidAssertion("expired", "exp has passed")
    if signed.not_before is not None and signed.not_before - skew > now:
        raise InvalidAssertion("not_yet_valid", "nbf is in the future")
    if signed.issued_at is not None and signed.issued_at - skew > now:
        raise InvalidAssertion("issued_in_future", "iat is in the future")
