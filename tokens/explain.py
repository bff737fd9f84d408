"""Explains an issued token from its row and a refusal from its trace, by the same decision.

A token's checks are recomputed from the facts in its row and the configuration at its versions;
nothing is stored for them when it is issued.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings

from tenants.models import Client
from tenants.policy import decide, explain_inputs
from tenants.queries import history
from tenants.queries.subjects import find_subjects
from tenants.records import AccessRequest, GrantType, SubjectRecord
from tokens.claim_refusals import ClaimsRefused, deny
from tokens.models import AccessToken, Refusal
from tokens.preview import (
    DroppedScope,
    ExplainedClaim,
    explain_claims,
    find_dropped_scopes,
    plan_with_any_key,
)
from tokens.request_facts import DIGEST, USUAL_TYPE, read_inputs
from tokens.token_facts import (
    find_session,
    recall_assurance,
    recall_authentication,
    recall_consumed,
    recall_groups,
)
from tokens.token_ids import ENTROPY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import (
        JSON,
        ClientRecord,
        Decision,
        PolicyResult,
        TenantSnapshot,
        TokenPlan,
    )
    from tokens.models import Session

VERSION_NAMES: Final = ("platform", "environment", "tenant", "client")
NO_HISTORY: Final = "The configuration of its versions is not kept any more."
DIGESTED: Final = (
    "What was asked was too long to keep: the row has digests, so what they stand for counts as "
    "not said here."
)
NO_SESSION: Final = "Its session is purged, so what the session was granted counts as unbounded."
GROUPS_OF_TODAY: Final = "Claims about its groups are told with what those give today."
NOT_REPRODUCED: Final = "Recomputed, the decision differs from the token: trust the token's row."


@dataclass(frozen=True, slots=True)
class ExplainedCheck:
    """One named check of a decision with what it looked at, redacted."""

    name: str
    passed: bool
    reason: str
    detail: str
    inputs: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class TokenExplanation:
    """Why a token is what it is; `notes` say what could not be recomputed."""

    token: AccessToken
    client_id: str
    versions: Mapping[str, int]
    facts: Mapping[str, JSON]
    checks: tuple[ExplainedCheck, ...] = ()
    policies: tuple[PolicyResult, ...] = ()
    claims: tuple[ExplainedClaim, ...] = ()
    dropped_scopes: tuple[DroppedScope, ...] = ()
    notes: tuple[str, ...] = ()


def explain_token(tenant_id: UUID, token_id: UUID) -> TokenExplanation | None:
    """Explain an issued token of the tenant; None where there is none."""
    token = AccessToken.objects.filter(tenant=tenant_id, pk=token_id).first()
    if token is None:
        return None
    tenant, client = _read_configuration(token)
    session = find_session(token)
    notes = _find_gaps(token, session)
    if tenant is None or client is None:
        return _explain(token, _name_client(token), notes=(*notes, NO_HISTORY))
    request = recall_groups(rebuild_request(token, client, session), token.tenant_id)
    notes = (*notes, GROUPS_OF_TODAY) if request.subject and request.groups else notes
    decision, planned = decide(request, tenant), None
    try:
        if decision.is_allowed:
            planned = _replan(token, request, decision, tenant)
    except ClaimsRefused as refused:
        decision = deny(decision, refused)
    if planned is None or not _is_same(planned, token):
        notes = (*notes, NOT_REPRODUCED)
    return _explain(
        token,
        client.client_id,
        checks=explain_checks(decision),
        policies=decision.policies,
        claims=explain_claims(planned) if planned else (),
        dropped_scopes=find_dropped_scopes(request, decision, tenant),
        notes=notes,
    )


def explain_request_id(tenant_id: UUID, request_id: str) -> Refusal | None:
    """Find the kept trace of a refused request; None where it was only counted, or is gone."""
    return Refusal.objects.filter(tenant=tenant_id, request_id=request_id).first()


def explain_checks(decision: Decision) -> tuple[ExplainedCheck, ...]:
    """Write a decision's checks with what each looked at."""
    return tuple(
        ExplainedCheck(
            check.name,
            check.passed,
            str(check.reason),
            check.detail,
            explain_inputs(decision, check.name),
        )
        for check in decision.checks
    )


def rebuild_request(
    token: AccessToken, client: ClientRecord, session: Session | None
) -> AccessRequest:
    """Rebuild the request of an issued token from its row; digested facts count as not said."""
    facts: Mapping[str, Any] = {} if token.facts.get("digested") is True else token.facts
    found: Mapping[str, Any] = {} if DIGEST in token.facts else token.facts
    inputs = read_inputs(token.facts)
    # What began a session was bounded by its own request, only what goes on by the session.
    continued = session if _is_refresh(token) else None
    return AccessRequest(
        grant_type=token.grant_type,
        client=client,
        subject=_subject_record(token.subject_id, inputs.attributes),
        requested_scopes=_split(facts.get("scope")) or None,
        requested_audiences=_split(facts.get("audience")),
        api_slug=facts.get("api", ""),
        scope_ceiling=_ceiling(continued.scopes if continued else found.get("scope_ceiling")),
        audience_ceiling=_ceiling(
            continued.audiences if continued else found.get("audience_ceiling")
        ),
        expires_at_ceiling=found.get("expires_at_ceiling"),
        session_id=token.session_id if _is_refresh(token) else None,
        session_expires_at=_end_of(token, continued),
        session_grant_type=continued.grant_type if continued else "",
        trust_profile_id=token.trust_profile_id,
        master_token_id=token.master_token_id,
        address=token.facts.get("address", ""),
        user_agent=facts.get("user_agent", ""),
        app_tenant_id=token.app_tenant_id or "",
        app_subject_id=token.app_subject_id or "",
        usage_limit=found.get("usage_limit", 0),
        groups=_optional_tuple(found.get("groups")),
        actor=token.actors[0] if token.actors else "",
        prior_actors=tuple(token.actors[1:]) if token.actors else (),
        parent_id=token.parent_id,
        actor_token_id=token.actor_token_id,
        claims=inputs.foreign_claims,
        headers=dict([USUAL_TYPE]) | found.get("headers", {}),
        method=found.get("method", "POST"),
        now=token.issued_at.timestamp(),
        authentication=recall_authentication(session),
        consumed=recall_consumed(token),
    )


def request_of(refusal: Refusal, client: ClientRecord) -> AccessRequest:
    """Rebuild what a refused request asked for, as far as its trace keeps it: no foreign claims."""
    asked: Mapping[str, Any] = refusal.trace.get("request", {})
    scopes, audiences = asked.get("requested_scopes"), asked.get("requested_audiences")
    return AccessRequest(
        grant_type=refusal.grant_type,
        client=client,
        subject=_subject_record(_read_id(asked.get("subject"))),
        requested_scopes=tuple(scopes) if scopes else _split(asked.get("scope")) or None,
        requested_audiences=tuple(audiences) if audiences else _split(asked.get("audience")),
        api_slug=asked.get("api", ""),
        scope_ceiling=_ceiling(asked.get("scope_ceiling")),
        audience_ceiling=_ceiling(asked.get("audience_ceiling")),
        session_id=_read_id(asked.get("session")),
        session_grant_type=asked.get("session_grant_type", ""),
        trust_profile_id=_read_id(asked.get("trust_profile")),
        master_token_id=_read_id(asked.get("master_token")),
        address=refusal.address,
        user_agent=asked.get("user_agent", ""),
        app_tenant_id=asked.get("app_tenant_id", ""),
        app_subject_id=asked.get("app_subject_id", ""),
        authentication=recall_assurance(asked.get("acr", "")),
        groups=_optional_tuple(asked.get("groups")),
        method="POST",
        headers=dict([USUAL_TYPE]),
        now=refusal.occurred_at.timestamp(),
    )


def read_subject(tenant_id: UUID, subject_id: UUID) -> tuple[SubjectRecord, tuple[str, ...]] | None:
    """Read an end user of the tenant and their groups, for a preview."""
    subject = find_subjects(tenant_id, [subject_id]).get(subject_id)
    return (subject, subject.groups or ()) if subject else None


def _explain(token: AccessToken, client_id: str, **found: Any) -> TokenExplanation:  # noqa: ANN401 - its fields.
    versions = dict(zip(VERSION_NAMES, token.configuration_versions, strict=True))
    return TokenExplanation(token, client_id, versions, token.facts, **found)


def _read_configuration(token: AccessToken) -> tuple[TenantSnapshot | None, ClientRecord | None]:
    """Rebuild tenant and client as they were when the token was issued."""
    *core_versions, client_version = token.configuration_versions
    tenant = history.read_core_at(
        token.tenant_id,
        core_versions,
        base_url=settings.TENANTS_BASE_URL,
        client=token.client_id,
    )
    client = history.read_client_at(
        token.tenant_id, token.client_id, client_version, tenant_version=core_versions[-1]
    )
    return tenant, client


def _replan(
    token: AccessToken, request: AccessRequest, decision: Decision, tenant: TenantSnapshot
) -> TokenPlan:
    """Plan the token again, with the randomness that its id keeps."""
    entropy = (token.pk.int & ((1 << (8 * ENTROPY_BYTES)) - 1)).to_bytes(ENTROPY_BYTES, "big")
    now = token.issued_at.timestamp()
    return plan_with_any_key(request, decision, tenant, now=now, entropy=entropy)


def _is_same(planned: TokenPlan, token: AccessToken) -> bool:
    return (
        planned.token_id == token.pk
        and list(planned.scopes) == token.scopes
        and list(planned.audiences) == token.audiences
        and (planned.format, planned.claim_profile) == (token.format, token.claim_profile)
    )


def _find_gaps(token: AccessToken, session: Session | None) -> tuple[str, ...]:
    notes = []
    if "digested" in token.facts or DIGEST in token.facts:
        notes.append(DIGESTED)
    if _is_refresh(token) and session is None:
        notes.append(NO_SESSION)
    return tuple(notes)


def _is_refresh(token: AccessToken) -> bool:
    return token.grant_type == GrantType.REFRESH_TOKEN


def _end_of(token: AccessToken, session: Session | None) -> int | None:
    """Answer when the session ends; of a purged one it is only known that the token ended first."""
    if not _is_refresh(token):
        return None
    return int((session or token).expires_at.timestamp())


def _name_client(token: AccessToken) -> str:
    found = Client.objects.filter(pk=token.client_id).values_list("client_id", flat=True).first()
    return found or str(token.client_id)


def _subject_record(subject_id: UUID | None, attributes: str = "") -> SubjectRecord | None:
    """Name the subject as a grant did: a disabled one would have ended the request before."""
    if subject_id is None:
        return None
    return SubjectRecord(subject_id, is_enabled=True, cut_off_number=0, attributes=attributes)


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(" ")) if text else ()


def _ceiling(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _optional_tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _read_id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
