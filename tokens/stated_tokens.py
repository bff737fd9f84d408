"""Puts an outside token's stated claims into a request that is previewed, as its grant would. Pure.

No token is there, so nothing is verified but what the claims say: they pass the trust profile's own
checks, and bound the request as the claims of a verified token do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenants import trust
from tenants.records import GrantType, TrustMatch
from tenants.trust import OPAQUE
from tokens.foreign_claims import InvalidAssertion, Proof, check_times, read_claims
from tokens.jose import InvalidJWT, parse_json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import (
        JSON,
        AccessRequest,
        SignedClaims,
        TenantSnapshot,
        TrustProfileRecord,
    )

MAXIMUM_CHARACTERS: Final = 8_000
GRANTS: Final = (GrantType.JWT_BEARER, GrantType.TOKEN_EXCHANGE)
NOBODY: Final = "previewed"
NO_PROFILE: Final = "This tenant has no such trust profile, or it is disabled."
WRONG_GRANT: Final = "Choose jwt-bearer or token-exchange: other grants take no outside token."
NO_SUBJECT: Final = "Choose the end user for whom the outside token stands."
NO_ACTOR: Final = "A preview has no actor, so leave may_act out."
NO_OBJECT: Final = f"Write one JSON object of at most {MAXIMUM_CHARACTERS} characters."


class StatedTokenRefused(Exception):
    """The stated claims can't be previewed; `field` is what to mend, the text says how."""

    def __init__(self, field: str, text: str) -> None:
        """Keep the name of the field."""
        super().__init__(text)
        self.field = field


def state_token(
    request: AccessRequest, tenant: TenantSnapshot, *, trust_profile: str, text: str, now: float
) -> AccessRequest:
    """Add what an outside token of a profile with these claims would bring; `text` is JSON.

    Absent registered claims are those of a token that was just issued. `now` is in seconds.

    Raises:
        StatedTokenRefused: no such token would be accepted, or not by this grant.
    """
    if request.grant_type not in GRANTS:
        raise StatedTokenRefused("grant", WRONG_GRANT)
    if request.subject is None:
        raise StatedTokenRefused("subject", NO_SUBJECT)
    profile = next((p for p in tenant.trust_profiles if p.slug == trust_profile), None)
    if profile is None:
        raise StatedTokenRefused("trust_profile", NO_PROFILE)
    signed = _sign(profile, _read(text), now)
    match = _match(profile, signed, now)
    request = replace(
        request,
        scope_ceiling=profile.maximum_scope if match.scopes is None else match.scopes,
        trust_profile_id=profile.id,
        claims=signed.claims,
    )
    if request.grant_type == GrantType.TOKEN_EXCHANGE:
        return _exchange(request, signed)
    if request.requested_scopes is None and match.scopes:
        return replace(request, requested_scopes=tuple(sorted(match.scopes)))
    return request


def _exchange(request: AccessRequest, signed: SignedClaims) -> AccessRequest:
    if "may_act" in signed.claims:
        raise StatedTokenRefused("claims", NO_ACTOR)
    return replace(request, expires_at_ceiling=signed.expires_at)


def _read(text: str) -> dict[str, JSON]:
    if len(text) > MAXIMUM_CHARACTERS:
        raise StatedTokenRefused("claims", NO_OBJECT)
    try:
        return parse_json_object(text.encode("utf-8", "surrogatepass"))
    except InvalidJWT as error:
        raise StatedTokenRefused("claims", NO_OBJECT) from error


def _sign(profile: TrustProfileRecord, stated: Mapping[str, JSON], now: float) -> SignedClaims:
    """Complete the claims to those of a token that the profile's issuer has just made."""
    usual: dict[str, JSON] = {
        "iss": profile.issuer,
        "aud": profile.audience,
        "iat": int(now),
        "exp": int(now) + profile.maximum_age_seconds,
        "sub": NOBODY,
    }
    algorithm = "" if profile.kind == OPAQUE else min(profile.algorithms, default="")
    try:
        signed = read_claims({**usual, **stated}, Proof(b"", algorithm))
        check_times(signed, now, profile.clock_skew_seconds)
    except InvalidAssertion as error:
        raise _refuse(error.reason, error.detail) from error
    return signed


def _match(profile: TrustProfileRecord, signed: SignedClaims, now: float) -> TrustMatch:
    match = trust.match(profile, signed, int(now))
    if isinstance(match, TrustMatch):
        return match
    raise _refuse(match.reason, match.detail)


def _refuse(reason: str, detail: str) -> StatedTokenRefused:
    text = f"The outside token would be refused: {reason.replace('_', ' ')} ({detail})."
    return StatedTokenRefused("claims", text)
