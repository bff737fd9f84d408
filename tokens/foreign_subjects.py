"""Accepts a token of a trusted outside issuer, and finds the subject of ours that it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tenants import policy, trust
from tenants.errors import QuotaUsedUp
from tenants.queries.subjects import find_subject, find_subjects
from tenants.records import SYSTEM, SubjectRecord, TrustMatch
from tenants.services.subjects import CREATE, find_linkable, provision_subject
from tenants.trust import OPAQUE
from tokens import foreign_token_store, replay
from tokens.assertions import InvalidAssertion, verify_assertion
from tokens.errors import InvalidGrant, QuotaExceeded
from tokens.foreign_introspection import introspection_cache
from tokens.jose import InvalidJWT, unverified_claims
from tokens.refusals import raise_denied

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        AccessRequest,
        SignedClaims,
        TenantSnapshot,
        TrustProfileRecord,
    )
    from tokens.parameters import EndpointRequest

UNKNOWN_SUBJECT: Final = "The assertion's subject is not known to this tenant."


@dataclass(frozen=True, slots=True)
class ForeignSubject:
    """A subject of ours that a verified outside token names; `scope_ceiling` is what it may get.

    One at first sight is not linked or created yet: `settle` does so where the policies allow it.
    """

    profile: TrustProfileRecord
    signed: SignedClaims
    match: TrustMatch
    subject: SubjectRecord
    is_at_first_sight: bool = False

    @property
    def scope_ceiling(self) -> frozenset[str]:
        """The scopes that token and profile allow at most."""
        named = self.match.scopes
        return named if named is not None else self.profile.maximum_scope


def accept(request: EndpointRequest, assertion: str, *, may_create: bool = True) -> ForeignSubject:
    """Verify an outside token, accept it once, and find its subject, or who it is to become.

    It becomes somebody only where the profile says so as well.

    Raises:
        InvalidGrant: the token is not good, was used before, or names nobody we know.
    Source: RFC 7523 section 3.
    """
    profile = _find_profile(request, assertion)
    signed = _verify(request, assertion, profile)
    match = _match(request, profile, signed)
    _refuse_ended(request, signed, profile)
    _refuse_replay(request, signed, profile)
    known = find_subject(request.tenant.id, match)
    if known is not None:
        return ForeignSubject(profile, signed, match, known)
    newcomer = _foresee(request.tenant.id, match) if may_create else None
    if newcomer is None:
        raise InvalidGrant(UNKNOWN_SUBJECT)
    return ForeignSubject(profile, signed, match, newcomer, is_at_first_sight=True)


def settle(request: EndpointRequest, asked: AccessRequest, match: TrustMatch) -> AccessRequest:
    """Link or create the subject at first sight of an allowed request, and ask for that one.

    A request that the policies refuse leaves nobody behind.

    Raises:
        OAuthError: they refuse it.
        QuotaExceeded: the profile has created enough subjects today.
    """
    decision = policy.decide(asked, request.tenant)
    if not decision.is_allowed:
        raise_denied(asked, decision)
    subject = find_or_create(request, match)
    return replace(asked, subject=subject, groups=subject.groups)


def _foresee(tenant_id: UUID, match: TrustMatch) -> SubjectRecord | None:
    """Foresee whom a token will name: who is to be linked, or somebody new, in no group."""
    linkable = find_linkable(tenant_id, match)
    if linkable is not None:
        return find_subjects(tenant_id, [linkable.pk]).get(linkable.pk)
    if match.provisioning != CREATE:
        return None
    return SubjectRecord(uuid4(), is_enabled=True, cut_off_number=0, groups=())


def find_opaque_profile(tenant: TenantSnapshot, token: str) -> TrustProfileRecord | None:
    """Find the profile whose issuer is asked about a token that begins like this."""
    for profile in tenant.trust_profiles:
        prefix = profile.token_prefix
        if prefix and profile.kind == OPAQUE and token.startswith(prefix):
            return profile
    return None


def find_outside_profiles(tenant: TenantSnapshot) -> list[TrustProfileRecord]:
    """List the profiles of signed tokens, less any that names the tenant itself as issuer.

    A token of ours lives and dies by its own row: as an outside one it would outlive its end.
    """
    own = {tenant.issuer, tenant.issuer_override}
    return [
        profile
        for profile in tenant.trust_profiles
        if profile.kind != OPAQUE
        and profile.issuer not in own
        and not profile.issuer.startswith(f"{tenant.issuer}/")
    ]


def _find_profile(request: EndpointRequest, assertion: str) -> TrustProfileRecord:
    """Choose the profile by issuer and audience; what chooses is not believed yet."""
    opaque = find_opaque_profile(request.tenant, assertion)
    if opaque is not None:
        return opaque
    try:
        claims = unverified_claims(assertion)
    except InvalidJWT as error:
        raise InvalidGrant("The assertion is no JWT.", detail=str(error)) from error
    issuer, audience = claims.get("iss"), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    profiles = [p for p in find_outside_profiles(request.tenant) if p.issuer == issuer]
    if not profiles:
        raise InvalidGrant("The assertion's iss is none that this tenant trusts.")
    for profile in profiles:
        if profile.audience in audiences:
            return profile
    raise InvalidGrant("The assertion's aud is not what this tenant's trust profile expects.")


def _verify(request: EndpointRequest, assertion: str, profile: TrustProfileRecord) -> SignedClaims:
    try:
        if profile.kind == OPAQUE:
            return introspection_cache.introspect(assertion, profile, request.now)
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


def find_or_create(request: EndpointRequest, match: TrustMatch) -> SubjectRecord:
    """Read the subject, or link or create it where the profile says so.

    Raises:
        InvalidGrant: the token names nobody we know.
        QuotaExceeded: its profile has created enough subjects today.
    """
    subject = find_subject(request.tenant.id, match)
    if subject is None and (match.provisioning == CREATE or match.linking_email):
        _provision(request, match)
        subject = find_subject(request.tenant.id, match)
    if subject is None:
        raise InvalidGrant(UNKNOWN_SUBJECT)
    return subject


def _provision(request: EndpointRequest, match: TrustMatch) -> None:
    try:
        provision_subject(request.tenant.id, match, actor=SYSTEM)
    except QuotaUsedUp as error:
        raise QuotaExceeded(
            "This trust profile has created enough users for today; try again tomorrow.",
            detail=str(match.profile_id),
            retry_after_seconds=error.retry_after_seconds,
        ) from error


def _refuse_ended(
    request: EndpointRequest, signed: SignedClaims, profile: TrustProfileRecord
) -> None:
    if has_ended(request.tenant, profile, signed):
        raise InvalidGrant("The assertion was ended here; ask its issuer for a new one.")


def has_ended(tenant: TenantSnapshot, profile: TrustProfileRecord, signed: SignedClaims) -> bool:
    """Say whether a token was ended here: where it works directly, its holder can sign out of it.

    Whatever is ended proves nothing any more. One statement, where the issuer's tokens may work so.
    """
    is_endable = any(
        other.is_accepted_directly and other.issuer == profile.issuer
        for other in tenant.trust_profiles
    )
    return is_endable and foreign_token_store.is_ended(tenant.id, profile, signed)


def _refuse_replay(
    request: EndpointRequest, signed: SignedClaims, profile: TrustProfileRecord
) -> None:
    """Accept an assertion once; nothing has been created before this."""
    if not replay.remember_foreign(request.tenant, profile, signed, now=request.now):
        raise InvalidGrant("The assertion was used before; make a new one for each request.")
