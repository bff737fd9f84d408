"""Decides whether a trust profile accepts the verified claims of a foreign token. Pure.

The token has been proven before, and whether it was seen before is checked where it is stored.
Each check is one named function; the first that refuses gives the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from tenants.records import (
    Check,
    SignedClaims,
    TrustMatch,
    TrustProfileRecord,
    TrustRefusal,
    Verdict,
)

MAXIMUM_SUBJECT_CHARACTERS: Final = 255
# Source: RFC 5321 section 4.5.3.1.3, less the brackets around a path.
MAXIMUM_EMAIL_CHARACTERS: Final = 254
# What a trust profile may allow at most; beyond it a used token need not be remembered.
LONGEST_MAXIMUM_AGE_SECONDS: Final = 86_400
WIDEST_CLOCK_SKEW_SECONDS: Final = 300
OPAQUE: Final = "opaque"
# Source: RFC 6749 section 3.3.
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# Control characters, surrogates, and the separators of lines and paragraphs.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class TrustReason(StrEnum):
    """Why a trust profile refuses a foreign token."""

    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    NO_ISSUE_TIME = "no_issue_time"
    ISSUED_IN_FUTURE = "issued_in_future"
    TOO_OLD = "too_old"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    INVALID_LIFETIME = "invalid_lifetime"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    REQUIRED_CLAIMS_DIFFER = "required_claims_differ"
    REQUIRED_CLAIMS_ABSENT = "required_claims_absent"
    INVALID_SUBJECT = "invalid_subject"
    INVALID_SCOPE = "invalid_scope"


_Check: TypeAlias = Callable[[TrustProfileRecord, SignedClaims, int], TrustRefusal | None]


@dataclass(frozen=True, slots=True)
class ScopeOutcome:
    """What becomes of the scopes that a token names; `given` is None where it names none."""

    given: frozenset[str] | None
    dropped: tuple[str, ...] = ()


def match(profile: TrustProfileRecord, signed: SignedClaims, now: int) -> TrustMatch | TrustRefusal:
    """Match verified claims with a trust profile; `now` in seconds since the epoch.

    The scopes of a match never exceed the profile's maximum. They are None where the token names
    none; the profile's maximum is the ceiling then.
    """
    for judged in _judge(profile, signed, now):
        if not judged.passed:
            return TrustRefusal(judged.reason, judged.detail)
    return TrustMatch(
        profile_id=profile.id,
        issuer=signed.issuer,
        subject=str(signed.claims[profile.subject_claim]),
        scopes=settle_scopes(profile, signed).given,
        provisioning=profile.provisioning,
        max_subjects_per_day=profile.max_subjects_per_day,
        linking_email=_find_linking_email(profile, signed),
    )


def explain(profile: TrustProfileRecord, signed: SignedClaims, now: int) -> tuple[Check, ...]:
    """List what every check says of the claims; the first that refuses is what `match` answers."""
    return tuple(_judge(profile, signed, now))


def settle_scopes(profile: TrustProfileRecord, signed: SignedClaims) -> ScopeOutcome:
    """Map the scopes that the token names and cut them to the profile's maximum."""
    named = _named_scopes(profile, signed)
    if named is None:
        return ScopeOutcome(None)
    by_name = {
        name: profile.maximum_scope.intersection(
            profile.scope_mapping.get(name, ()) if profile.scope_mapping else (name,)
        )
        for name in named
    }
    dropped = tuple(name for name, given in by_name.items() if not given)
    return ScopeOutcome(frozenset[str]().union(*by_name.values()), dropped)


def check_issuer(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Compare `iss` character by character. Source: RFC 7523 section 3, rule 1."""
    if signed.issuer == profile.issuer:
        return None
    return _refusal(TrustReason.WRONG_ISSUER, "iss is not the profile's issuer")


def check_audience(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Look for the profile's audience in `aud`. Source: RFC 7523 section 3, rule 3."""
    if profile.audience and profile.audience in signed.audiences:
        return None
    return _refusal(TrustReason.WRONG_AUDIENCE, "aud does not name the profile's audience")


def check_algorithm(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Look for the algorithm in the profile's list. Source: RFC 8725 section 3.1.

    What the issuer itself has vouched for has none, and nothing else passes for it.
    """
    allowed = frozenset(("",)) if profile.kind == OPAQUE else profile.algorithms
    if signed.algorithm in allowed:
        return None
    return _refusal(TrustReason.ALGORITHM_NOT_ALLOWED, "alg is not in the profile's list")


def check_maximum_age(
    profile: TrustProfileRecord, signed: SignedClaims, now: int
) -> TrustRefusal | None:
    """Demand `iat`, and that it is neither too long ago nor to come."""
    if signed.issued_at is None:
        return _refusal(TrustReason.NO_ISSUE_TIME, "iat is required")
    age_seconds = now - signed.issued_at
    if age_seconds < -profile.clock_skew_seconds:
        return _refusal(TrustReason.ISSUED_IN_FUTURE, "iat is in the future")
    if age_seconds > profile.maximum_age_seconds + profile.clock_skew_seconds:
        return _refusal(TrustReason.TOO_OLD, f"{age_seconds} s old")
    return None


def check_lifetime(
    profile: TrustProfileRecord, signed: SignedClaims, now: int
) -> TrustRefusal | None:
    """Demand that the token lives now, and expires after it was issued."""
    skew = profile.clock_skew_seconds
    if signed.expires_at + skew <= now:
        return _refusal(TrustReason.EXPIRED, "exp has passed")
    if signed.not_before is not None and signed.not_before - skew > now:
        return _refusal(TrustReason.NOT_YET_VALID, "nbf is in the future")
    begins_at = (signed.issued_at, signed.not_before)
    if any(begin is not None and begin >= signed.expires_at for begin in begins_at):
        return _refusal(TrustReason.INVALID_LIFETIME, "exp is not after iat and nbf")
    return None


def check_maximum_lifetime(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Demand, where the profile bounds it, that `exp` is not too long after `iat`."""
    maximum = profile.maximum_lifetime_seconds
    if maximum is None:
        return None
    if signed.issued_at is None:
        return _refusal(TrustReason.NO_ISSUE_TIME, "iat is required")
    lifetime_seconds = signed.expires_at - signed.issued_at
    if lifetime_seconds > maximum:
        return _refusal(TrustReason.LIFETIME_TOO_LONG, f"made for {lifetime_seconds} s")
    return None


def check_required_claims(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Demand that the claims contain the profile's pattern; what is absent contains nothing."""
    if not profile.required_claims:
        return None
    verdict = profile.claims_hold(signed.claims)
    if verdict is Verdict.TRUE:
        return None
    if verdict is Verdict.FALSE:
        return _refusal(TrustReason.REQUIRED_CLAIMS_DIFFER, "a claim is not as required")
    return _refusal(TrustReason.REQUIRED_CLAIMS_ABSENT, "a required claim is absent or too large")


def check_subject(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Demand a subject of 1 to 255 printable characters in the profile's claim."""
    subject = signed.claims.get(profile.subject_claim)
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAXIMUM_SUBJECT_CHARACTERS:
        return _refusal(TrustReason.INVALID_SUBJECT, "no string of 1 to 255 characters")
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in subject):
        return _refusal(TrustReason.INVALID_SUBJECT, "a control character")
    return None


def check_scope(
    profile: TrustProfileRecord, signed: SignedClaims, _now: int
) -> TrustRefusal | None:
    """Demand that the scope claim, where there is one, is a string or an array of scope names."""
    named = _named_scopes(profile, signed)
    if named is None or all(_SCOPE_TOKEN.fullmatch(scope) for scope in named):
        return None
    return _refusal(TrustReason.INVALID_SCOPE, "not a list of scope names")


CHECKS: Final[tuple[_Check, ...]] = (
    check_issuer,
    check_audience,
    check_algorithm,
    check_maximum_age,
    check_lifetime,
    check_maximum_lifetime,
    check_required_claims,
    check_subject,
    check_scope,
)
_NAMED_CHECKS: Final = tuple((c.__name__.removeprefix("check_"), c) for c in CHECKS)


def _judge(profile: TrustProfileRecord, signed: SignedClaims, now: int) -> Iterator[Check]:
    for name, check in _NAMED_CHECKS:
        refusal = check(profile, signed, now)
        if refusal is None:
            yield Check(name, passed=True)
        else:
            yield Check(name, passed=False, reason=refusal.reason, detail=refusal.detail)


def _named_scopes(profile: TrustProfileRecord, signed: SignedClaims) -> tuple[str, ...] | None:
    """Give the scopes that the token names; None where it names none, "" for what is no text."""
    if profile.scope_claim not in signed.claims:
        return None
    claim = signed.claims[profile.scope_claim]
    if isinstance(claim, str):
        return tuple(claim.split(" ")) if claim else ()
    if isinstance(claim, list):
        return tuple(scope if isinstance(scope, str) else "" for scope in claim)
    return ("",)


def _find_linking_email(profile: TrustProfileRecord, signed: SignedClaims) -> str:
    """Answer the address that links at first sight; empty unless the issuer says it is verified.

    Only true is true: a text that says so, or a number, has been put there by somebody else.
    """
    if not profile.linking_claim or not profile.linking_verified_claim:
        return ""
    email = signed.claims.get(profile.linking_claim)
    if signed.claims.get(profile.linking_verified_claim) is not True or not isinstance(email, str):
        return ""
    return email if "@" in email and len(email) <= MAXIMUM_EMAIL_CHARACTERS else ""


def _refusal(reason: TrustReason, detail: str) -> TrustRefusal:
    return TrustRefusal(reason.value, detail)
