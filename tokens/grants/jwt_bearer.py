"""A token of a trusted outside issuer is swapped for one of ours. Source: RFC 7523 section 2.1."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tenants import trust
from tenants.queries.subjects import find_subject
from tenants.records import SYSTEM, AccessRequest, GrantType, TrustMatch
from tenants.services.subjects import provision_subject
from tokens import replay
from tokens.assertions import InvalidAssertion, verify_assertion
from tokens.errors import InvalidGrant
from tokens.jose import InvalidJWT, unverified_claims

if TYPE_CHECKING:
    from tenants.records import ClientRecord, SignedClaims, SubjectRecord, TrustProfileRecord
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.JWT_BEARER.value


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for a token of the subject that the assertion names.

    Raises:
        InvalidGrant: the assertion is not good, was used before, or names nobody we know.
    """
    assertion = request.parameters.require("assertion")
    profile = _find_profile(request, assertion)
    signed = _verify(request, assertion, profile)
    match = _match(request, profile, signed)
    _refuse_replay(request, signed, profile)
    subject = _find_subject(request, match)
    scopes = request.requested_scopes
    if scopes is None and match.scopes:
        scopes = tuple(sorted(match.scopes))
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=subject,
        requested_scopes=scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        scope_ceiling=match.scopes if match.scopes is not None else profile.maximum_scope,
        trust_profile_id=profile.id,
        address=request.address,
        user_agent=request.user_agent,
        groups=subject.groups,
        claims=signed.claims,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )


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


def _find_subject(request: EndpointRequest, match: TrustMatch) -> SubjectRecord:
    """Read the subject, or create it where the profile says so."""
    subject = find_subject(request.tenant.id, match)
    if subject is None and match.provisioning == "create":
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
