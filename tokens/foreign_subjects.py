"""Accepts a token of a trusted outside issuer, and finds the subject of ours that it names."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from tenants import trust
from tenants.queries.subjects import find_subject
from tenants.records import SYSTEM, TrustMatch
from tenants.services.subjects import provision_subject
from tokens import replay
from tokens.assertions import InvalidAssertion, verify_assertion
from tokens.errors import InvalidGrant
from tokens.jose import InvalidJWT, unverified_claims

if TYPE_CHECKING:
    from tenants.records import SignedClaims, SubjectRecord, TrustProfileRecord
    from tokens.parameters import EndpointRequest


@dataclass(frozen=True, slots=True)
class ForeignSubject:
    """A subject of ours that a verified outside token names; `scope_ceiling` is what it may get."""

    profile: TrustProfileRecord
    signed: SignedClaims
    match: TrustMatch
    subject: SubjectRecord

    @property
    def scope_ceiling(self) -> frozenset[str]:
        """The scopes that token and profile allow at most."""
        named = self.match.scopes
        return named if named is not None else self.profile.maximum_scope


def accept(request: EndpointRequest, assertion: str, *, may_create: bool = True) -> ForeignSubject:
    """Verify an outside token, accept it once, and find its subject or create it.

    The subject is created only where the profile says so as well. Nothing is created before every
    check has passed.

    Raises:
        InvalidGrant: the token is not good, was used before, or names nobody we know.
    Source: RFC 7523 section 3.
    """
    profile = _find_profile(request, assertion)
    signed = _verify(request, assertion, profile)
    match = _match(request, profile, signed)
    _refuse_replay(request, signed, profile)
    subject = _find_subject(request, match, may_create=may_create)
    return ForeignSubject(profile, signed, match, subject)


def _find_profile(request: EndpointRequest, assertion: str) -> TrustProfileRecord:
    """Choose the profile by issuer and audience; what chooses is not believed yet."""
    try:
        claims = unverified_claims(assertion)
    except InvalidJWT as error:
        raise InvalidGrant("The assertion is no JWT.", detail=str(error)) from error
    issuer, audience = claims.get("iss"), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    profiles = [p for p in request.tenant.trust_profiles if p.issuer == issuer]
    if not profiles:
        raise InvalidGrant("The assertion's iss is none that this tenant trusts.")
    for profile in profiles:
        if profile.audience in audiences:
            return profile
    raise InvalidGrant("The assertion's aud is not what this tenant's trust profile expects.")


def _verify(request: EndpointRequest, assertion: str, profile: TrustProfileRecord) -> SignedClaims:
    try:
        return verify_assertion(assertion, profile, request.now)
    except InvalidAssertion as error:
        text = f"The assertion is refused: {error.reason.replace('_', ' ')}."
        raise InvalidGrant(text, detail=error.detail) from error


def _match(
    request: EndpointRequest, profile: TrustProfileRecord, signed: SignedClaims
) -> TrustMatch:
    match = trust.match(profile, signed, int(request.now))
    if isinstance(match, TrustMatch):
        return match
    text = f"The assertion is refused: {match.reason.replace('_', ' ')}."
    raise InvalidGrant(text, detail=match.detail)


def _find_subject(
    request: EndpointRequest, match: TrustMatch, *, may_create: bool
) -> SubjectRecord:
    """Read the subject, or create it where the profile says so."""
    subject = find_subject(request.tenant.id, match)
    if subject is None and may_create and match.provisioning == "create":
        provision_subject(request.tenant.id, match, actor=SYSTEM)
        subject = find_subject(request.tenant.id, match)
    if subject is None:
        raise InvalidGrant("The assertion's subject is not known to this tenant.")
    return subject


def _refuse_replay(
    request: EndpointRequest, signed: SignedClaims, profile: TrustProfileRecord
) -> None:
    """Accept an assertion once, for as long as it could be accepted again.

    Without a `jti` its signed text stands for it. Nothing has been created before this.
    """
    token_id = signed.token_id
    digest = sha256(token_id.encode()).digest() if token_id else signed.signing_input_hash
    oldest = (signed.issued_at or int(request.now)) + profile.maximum_age_seconds
    # Ages are judged in whole seconds, hence one more.
    forget_at = min(signed.expires_at, oldest) + profile.clock_skew_seconds + 1
    if not replay.remember_assertion(request.tenant.id, profile.id, digest, expires_at=forget_at):
        raise InvalidGrant("The assertion was used before; make a new one for each request.")
