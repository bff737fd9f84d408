"""Proves a client by a token that the platform on which it runs has signed.

GitHub Actions, Kubernetes and others sign such tokens for what runs there, so that no secret has
to be kept. Source: RFC 7521 section 4.2, RFC 7523 section 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import trust
from tenants.records import TrustRefusal, Verdict
from tokens import foreign_subjects, replay
from tokens.assertions import InvalidAssertion, verify_assertion

if TYPE_CHECKING:
    from tenants.records import (
        ClientRecord,
        SignedClaims,
        TrustProfileRecord,
        WorkloadIdentity,
    )
    from tokens.parameters import EndpointRequest


class UnprovenWorkload(Exception):
    """A token does not prove the client; the text is for the log only and never has the token."""


class ReplayedWorkload(UnprovenWorkload):
    """The token proves the client, and has done so before."""


def prove(request: EndpointRequest, client: ClientRecord, text: str) -> None:
    """Prove a client by an outside token, which works once.

    Raises:
        UnprovenWorkload: it is not the token of this client, or of nobody whom we trust.
        ReplayedWorkload: it was used before.
    """
    workload = client.workload
    if workload is None:
        raise UnprovenWorkload("the client has no outside identity")
    profile = _find_profile(request, workload)
    try:
        signed = verify_assertion(text, profile, request.now)
    except InvalidAssertion as error:
        raise UnprovenWorkload(str(error)) from error
    _check_facts(request, workload, profile, signed)
    if foreign_subjects.has_ended(request.tenant, profile, signed):
        raise UnprovenWorkload("the token was ended here")
    if not replay.remember_foreign(request.tenant, profile, signed, now=request.now):
        raise ReplayedWorkload("used before")


def _find_profile(request: EndpointRequest, workload: WorkloadIdentity) -> TrustProfileRecord:
    """Find the client's own trust profile; the token has no say in whose keys verify it."""
    for profile in foreign_subjects.find_outside_profiles(request.tenant):
        if profile.id == workload.trust_profile_id:
            return profile
    raise UnprovenWorkload("the trust profile is disabled")


def _check_facts(
    request: EndpointRequest,
    workload: WorkloadIdentity,
    profile: TrustProfileRecord,
    signed: SignedClaims,
) -> None:
    match = trust.match(profile, signed, int(request.now))
    if isinstance(match, TrustRefusal):
        raise UnprovenWorkload(f"{match.reason}: {match.detail}")
    if not workload.subject or match.subject != workload.subject:
        raise UnprovenWorkload("the subject is another one")
    if workload.claims and workload.claims_hold(signed.claims) is not Verdict.TRUE:
        raise UnprovenWorkload("the claims do not contain the client's pattern")
