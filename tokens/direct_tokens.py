"""Accepts tokens of trusted outside issuers as they are, at the Apis that their profile links.

Nobody swaps such a token: a resource server that gets it introspects it here. Every check comes
before anything is created, and the token is known by a row from then on, by which it can be ended.
Source: RFC 7662 section 2.2, RFC 7523 section 3.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from tenants import trust
from tenants.queries.subjects import find_subject
from tenants.records import TrustMatch
from tokens import foreign_subjects, foreign_token_store
from tokens.assertions import InvalidAssertion, verify_assertion
from tokens.errors import InvalidGrant, QuotaExceeded
from tokens.foreign_token_store import KnownToken, PresentedToken
from tokens.jose import InvalidJWT, unverified_claims

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        ClientRecord,
        ScopeRecord,
        SubjectRecord,
        TenantSnapshot,
        TrustProfileRecord,
    )
    from tokens.parameters import EndpointRequest

logger = logging.getLogger(__name__)
# A client's assertion is none. Source: RFC 8725 section 3.11, RFC 9068 section 2.1.
ACCEPTED_TYPES: Final = frozenset(("jwt", "at+jwt"))


class NotAcceptedDirectly(Exception):
    """An outside token is not accepted; the text is a fixed code, for the log only."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proven outside token before anything of it is kept; `subject` is None where it is new.

    `scopes` are those at the Apis `api_ids`, which is what the asking client serves.
    """

    token: PresentedToken
    match: TrustMatch
    known: KnownToken
    subject: SubjectRecord | None
    scopes: tuple[str, ...]
    api_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DirectToken:
    """An outside token that is accepted; `id` is its row's."""

    id: UUID
    token: PresentedToken
    subject: SubjectRecord


def find(request: EndpointRequest, caller: ClientRecord, text: str) -> Candidate:
    """Find what an outside token stands for at the Apis that the client serves.

    Nothing is fetched for a token of an unknown issuer, or for a client that may not ask about it.

    Raises:
        NotAcceptedDirectly: it stands for nothing there.
        DatabaseUnavailable: nobody knows.
    """
    profile = _find_profile(request.tenant, text)
    reach = _linked_scopes(request.tenant, profile)
    served = {
        scope.api_id
        for scope in reach.values()
        if caller.id in request.tenant.apis[scope.api_id].resource_server_ids
    }
    if not served:
        _refuse("not_served_by_client", profile)
    token, match = _prove(request, profile, reach, text)
    scopes = tuple(name for name in token.scopes if reach[name].api_id in served)
    if not scopes:
        _refuse("no_scope", profile)
    subject = find_subject(request.tenant.id, match)
    known = _look_up(request, token, subject)
    api_ids = tuple(api_id for api_id in token.api_ids if api_id in served)
    return Candidate(token, match, known, subject, scopes, api_ids)


def settle_subject(request: EndpointRequest, candidate: Candidate) -> Candidate:
    """Create or link the subject of a token that was never seen, where its profile does so.

    Raises:
        NotAcceptedDirectly: it does neither, or has created enough for today.
    """
    try:
        subject = foreign_subjects.find_or_create(request, candidate.match)
    except (InvalidGrant, QuotaExceeded) as error:
        _refuse(error.error, candidate.token.profile)
    return replace(candidate, subject=subject)


def admit(request: EndpointRequest, candidate: Candidate) -> DirectToken:
    """Keep a token whose every check has passed; its subject has been settled before.

    Raises:
        NotAcceptedDirectly: it has ended meanwhile.
        DatabaseUnavailable: nobody knows.
    """
    subject, known, profile = candidate.subject, candidate.known, candidate.token.profile
    if subject is None or not subject.is_enabled:
        _refuse("subject_disabled", profile)
    if known.id is None:
        known = foreign_token_store.add(candidate.token, subject.id, now=request.now)
    if known.id is None or known.refusal:
        _refuse(known.refusal, profile)
    return DirectToken(known.id, candidate.token, subject)


def find_accepted(request: EndpointRequest, text: str) -> DirectToken:
    """Find a token that some Api has accepted already; nothing is created for it.

    Raises:
        NotAcceptedDirectly: there is none, or it has ended.
        DatabaseUnavailable: nobody knows.
    """
    token, match = _prove_anywhere(request, text)
    subject = find_subject(request.tenant.id, match)
    known = _look_up(request, token, subject)
    if subject is None or known.id is None:
        _refuse("never_accepted", token.profile)
    return DirectToken(known.id, token, subject)


def end(request: EndpointRequest, text: str) -> None:
    """End a token for good, accepted before or not.

    Raises:
        NotAcceptedDirectly: it is none of a trusted issuer.
        DatabaseUnavailable: nobody knows.
    """
    token, _ = _prove_anywhere(request, text)
    foreign_token_store.end(token, now=request.now)


def _find_profile(tenant: TenantSnapshot, text: str) -> TrustProfileRecord:
    """Choose the profile by issuer and audience; what chooses is not believed yet."""
    if not any(profile.is_accepted_directly for profile in tenant.trust_profiles):
        raise NotAcceptedDirectly("no_such_profile")
    try:
        claims = unverified_claims(text)
    except InvalidJWT as error:
        raise NotAcceptedDirectly(error.reason) from error
    issuer, audience = claims.get("iss"), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    for profile in foreign_subjects.find_outside_profiles(tenant):
        is_named = profile.issuer == issuer and profile.audience in audiences
        if is_named and profile.is_accepted_directly:
            return profile
    raise NotAcceptedDirectly("no_such_profile")


def _linked_scopes(tenant: TenantSnapshot, profile: TrustProfileRecord) -> dict[str, ScopeRecord]:
    """List the scopes that the profile may give at the Apis it links, by name.

    The uses of an outside token are counted by nobody, so that a limited scope is out of reach.
    """
    return {
        name: scope
        for name in sorted(profile.maximum_scope)
        if (scope := tenant.scopes.get(name)) is not None
        and not scope.usage_limit
        and scope.api_id in profile.direct_api_ids
        and (api := tenant.apis.get(scope.api_id)) is not None
        and api.is_enabled
        and not api.built_in
    }


def _prove_anywhere(request: EndpointRequest, text: str) -> tuple[PresentedToken, TrustMatch]:
    profile = _find_profile(request.tenant, text)
    return _prove(request, profile, _linked_scopes(request.tenant, profile), text)


def _prove(
    request: EndpointRequest,
    profile: TrustProfileRecord,
    reach: dict[str, ScopeRecord],
    text: str,
) -> tuple[PresentedToken, TrustMatch]:
    """Verify a token and hold it against its profile; where it names no scope, it has none."""
    try:
        signed = verify_assertion(text, profile, request.now, types=ACCEPTED_TYPES)
    except InvalidAssertion as error:
        _refuse(error.reason, profile)
    match = trust.match(profile, signed, int(request.now))
    if not isinstance(match, TrustMatch):
        _refuse(match.reason, profile)
    issued_at = signed.issued_at or 0  # Its age has been judged, so it has one.
    expires_at = min(signed.expires_at, issued_at + profile.maximum_age_seconds)
    if expires_at <= request.now:
        _refuse("expired", profile)
    scopes = tuple(name for name in reach if match.scopes and name in match.scopes)
    token = PresentedToken(
        tenant_id=request.tenant.id,
        profile=profile,
        signed=signed,
        scopes=scopes,
        api_ids=tuple(dict.fromkeys(reach[name].api_id for name in scopes)),
        issued_at=issued_at,
        expires_at=expires_at,
    )
    return token, match


def _look_up(
    request: EndpointRequest, token: PresentedToken, subject: SubjectRecord | None
) -> KnownToken:
    if subject is not None and not subject.is_enabled:
        _refuse("subject_disabled", token.profile)
    subject_id = subject.id if subject else None
    known = foreign_token_store.look_up(token, subject_id, now=request.now)
    if known.refusal:
        _refuse(known.refusal, token.profile)
    return known


def _refuse(reason: str, profile: TrustProfileRecord) -> NoReturn:
    """Log why an outside token is not accepted; whoever presented it only learns that it isn't."""
    extra = {"reason": reason, "trust_profile": profile.slug}
    logger.info("outside token not accepted", extra=extra)
    raise NotAcceptedDirectly(reason)
