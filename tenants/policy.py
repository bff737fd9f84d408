"""Decides whether a token is issued and with which scopes, Apis and settings. Pure."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants import person_checks, policy_checks
from tenants.policy_checks import Walk, default_scopes
from tenants.policy_document import ABSENT, DocumentTooLarge, make_document
from tenants.policy_redaction import redact
from tenants.policy_rules import NO_UNITS, Judgement, ask, judge, limit
from tenants.records import (
    ACCESS,
    INTROSPECTION,
    Check,
    Decision,
    EffectiveSettings,
    TokenFormat,
)
from tenants.refusal_reasons import (
    DESCRIPTIONS,
    WIRE_ERRORS,
    Reason,
    authorize_error,
    wire_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.policy_checks import Refusal
    from tenants.policy_document import Document
    from tenants.policy_links import Unit
    from tenants.records import JSON, AccessRequest, PolicyRecord, TenantSnapshot

__all__ = [
    "ACCESS_CHECKS",
    "CHECKS",
    "CHECK_INPUTS",
    "CLAIMS_MADE",
    "DESCRIPTIONS",
    "DIRECT_CHECKS",
    "INTROSPECTION_CHECKS",
    "WIRE_ERRORS",
    "Reason",
    "authorize_error",
    "decide",
    "decide_access",
    "decide_direct",
    "explain_inputs",
    "wire_error",
]

# A caller's own text in a detail is cut, so that no log line grows with it.
DETAIL_CHARACTERS: Final = 128

_Checks: TypeAlias = "tuple[tuple[str, Callable[[Walk], Refusal]], ...]"


def decide(request: AccessRequest, tenant: TenantSnapshot) -> Decision:
    """Judge an access request; the first check that fails decides, and absence passes none."""
    return _walk(CHECKS, _PASSED, Walk(request, tenant))


def decide_access(request: AccessRequest, tenant: TenantSnapshot) -> Decision:
    """Judge what is no token request, by the same policies.

    A call of an Api needs a policy that allows it. An introspection needs none, but a deny refuses
    it: the request then carries the token's own client, subject, scopes and audiences.

    Raises:
        ValueError: the operation is neither.
    """
    if request.operation == ACCESS:
        return _walk(ACCESS_CHECKS, _ACCESS_PASSED, Walk(request, tenant))
    if request.operation == INTROSPECTION:
        walk = Walk(request, tenant)
        policy_checks.settle_token(walk)
        return _walk(INTROSPECTION_CHECKS, _INTROSPECTION_PASSED, walk)
    raise ValueError(f"{request.operation!r} is decided otherwise")


def decide_direct(request: AccessRequest, tenant: TenantSnapshot, *, seconds: int) -> Decision:
    """Judge an outside token that lives so long and is accepted as it is.

    It needs no policy that allows it, as its profile does; a deny refuses it. Nothing was issued
    that a limit could have cut before, so limits cut it here.
    """
    walk = Walk(request, tenant)
    policy_checks.settle_token(walk)
    walk.settings = EffectiveSettings(
        access_token_lifetime_seconds=seconds,
        refresh_token_lifetime_seconds=0,
        refresh_token_idle_lifetime_seconds=0,
        access_token_format=TokenFormat.JWT,
        claim_profile="",
        refresh_token_enabled=False,
        signing_algorithm="",
    )
    return _walk(DIRECT_CHECKS, _DIRECT_PASSED, walk)


def _walk(checks: _Checks, passed: tuple[Check, ...], walk: Walk) -> Decision:
    for number, (name, check) in enumerate(checks):
        refusal = check(walk)
        if refusal is not None:
            reason, detail = refusal
            failed = Check(name, passed=False, reason=reason, detail=detail[:DETAIL_CHARACTERS])
            return Decision(
                is_allowed=False,
                checks=(*passed[:number], failed),
                judged=walk.judgement.judged if walk.judgement else (),
                document=walk.document or _document(walk),
            )
    return Decision(
        is_allowed=True,
        checks=passed,
        granted_scopes=tuple(walk.granted or ()),
        apis=walk.apis,
        settings=walk.settings,
        usage_limit=walk.usage_limit,
        judged=walk.judgement.judged if walk.judgement else (),
        document=walk.document,
    )


def _document(walk: Walk) -> Document:
    """Make the document of what was found so far; rules have it built as far as they read it."""
    return make_document(
        walk.request,
        walk.tenant,
        scopes=tuple(walk.granted or ()),
        default_scopes=partial(default_scopes, walk),
        apis=walk.apis,
    )


def _policies(walk: Walk) -> Refusal:
    """Ask the policies; refuse where one denies. Scopes are those before any limit.

    So a limit never hides a scope from the policy that denies it.
    """
    walk.document = _document(walk)
    asked = ask(walk.request, _units(walk))
    walk.judgement = judge(walk.tenant.policy_index, asked, walk.document)
    denial = walk.judgement.denial
    return None if denial is None else (_denial_reason(denial), denial.slug)


def _units(walk: Walk) -> tuple[Unit, ...]:
    """List the parts of the request: each scope at its Api, and each Api without a scope."""
    units: list[Unit] = [(s.api_id, name) for name, s in (walk.granted or {}).items()]
    served = {api_id for api_id, _ in units}
    units += [(api.id, None) for api in walk.apis if api.id not in served]
    return tuple(units) or NO_UNITS


def _denial_reason(denial: PolicyRecord) -> Reason:
    """Answer at what the denial is aimed, so that the client is told what to leave out."""
    if denial.scopes:
        return Reason.POLICY_DENIED_SCOPE
    return Reason.POLICY_DENIED_AUDIENCE if denial.apis else Reason.POLICY_DENIED


def _policies_allow(walk: Walk) -> Refusal:
    """Refuse where no policy allows, or none allows one of the parts."""
    judgement = _judgement(walk)
    if not judgement.uncovered:
        return None
    slugs = {api.id: api.slug for api in walk.apis}
    missing = dict.fromkeys(api_id for api_id, _ in judgement.uncovered)
    names = " ".join(slugs[api_id] for api_id in missing if api_id in slugs)
    if not judgement.is_partly_allowed:
        return Reason.NO_POLICY_ALLOWS, names
    covered = {
        api_id for api_id, scope in _units(walk) if (api_id, scope) not in judgement.uncovered
    }
    if covered.isdisjoint(missing):
        return Reason.NO_POLICY_ALLOWS_AUDIENCE, names
    scopes = [scope for _, scope in judgement.uncovered if scope]
    return Reason.NO_POLICY_ALLOWS_SCOPE, " ".join(scopes)


def _limits_leave_something(walk: Walk) -> Refusal:
    """Cut the grant by every limit that matches; refuse where nothing is left."""
    limits = _judgement(walk).limits
    if not limits:
        return None
    granted, apis = walk.granted or {}, walk.apis
    left = limit(limits, granted, apis, walk.settings)
    slugs = " ".join(sorted(policy.slug for policy in limits))
    if apis and not left.apis and any(p.limit_audiences is not None for p in limits):
        return Reason.LIMITS_LEAVE_NO_AUDIENCE, slugs
    if granted and not left.granted:
        return Reason.LIMITS_LEAVE_NO_SCOPE, slugs
    walk.granted, walk.apis, walk.settings = dict(left.granted), left.apis, left.settings
    return None


def _judgement(walk: Walk) -> Judgement:
    if walk.judgement is None:
        raise AssertionError("the policies are asked before this check")
    return walk.judgement


CHECKS: Final[_Checks] = (
    ("tenant_enabled", policy_checks.tenant_enabled),
    ("client_enabled", policy_checks.client_enabled),
    ("grant_allowed", policy_checks.grant_allowed),
    ("impersonation_allowed", policy_checks.impersonation_allowed),
    ("audience_known", policy_checks.audience_known),
    ("audience_granted", policy_checks.audience_granted),
    ("scope_known_and_allowed", policy_checks.scope_known_and_allowed),
    ("apis_selected", policy_checks.apis_selected),
    ("subject_enabled", person_checks.subject_enabled),
    ("assurance_reached", person_checks.assurance_reached),
    ("apis_agree", policy_checks.apis_agree),
    ("refresh_enabled", policy_checks.refresh_enabled),
    ("policies", _policies),
    ("policies_allow", _policies_allow),
    ("limits_leave_something", _limits_leave_something),
    ("usage_limit_settled", policy_checks.usage_limit_settled),
)
ACCESS_CHECKS: Final[_Checks] = (
    ("tenant_enabled", policy_checks.tenant_enabled),
    ("client_enabled", policy_checks.client_enabled),
    ("audience_known", policy_checks.audience_known),
    ("scope_known", policy_checks.scope_known),
    ("subject_enabled", person_checks.subject_enabled),
    ("policies", _policies),
    ("policies_allow", _policies_allow),
    ("limits_leave_something", _limits_leave_something),
)
INTROSPECTION_CHECKS: Final[_Checks] = (("policies", _policies),)
DIRECT_CHECKS: Final[_Checks] = (
    ("policies", _policies),
    ("limits_leave_something", _limits_leave_something),
)


def _all_passed(checks: _Checks) -> tuple[Check, ...]:
    return tuple(Check(name, passed=True) for name, _ in checks)


_PASSED: Final = _all_passed(CHECKS)
_ACCESS_PASSED: Final = _all_passed(ACCESS_CHECKS)
_INTROSPECTION_PASSED: Final = _all_passed(INTROSPECTION_CHECKS)
_DIRECT_PASSED: Final = _all_passed(DIRECT_CHECKS)

CLAIMS_MADE: Final = "claims_made"
_EVERYTHING: Final = (
    *("operation", "client", "caller", "subject", "groups", "scopes", "audience", "claims"),
    *("action", "resource", "context"),
)
# What each check looks at, by the names of the request document.
CHECK_INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tenant_enabled": (),
    "client_enabled": ("client",),
    "grant_allowed": ("grant_type", "client"),
    "impersonation_allowed": ("client", "on_behalf"),
    "audience_known": ("requested_audiences",),
    "audience_granted": ("requested_audiences", "session_grant_type"),
    "scope_known_and_allowed": ("requested_scopes", "default_scopes", "requested_audiences"),
    "scope_known": ("requested_scopes",),
    "apis_selected": ("scopes", "requested_audiences"),
    "subject_enabled": ("subject",),
    "assurance_reached": ("subject", "scopes"),
    "apis_agree": ("apis",),
    "refresh_enabled": ("grant_type", "session_grant_type", "apis"),
    "policies": _EVERYTHING,
    "policies_allow": _EVERYTHING,
    "limits_leave_something": ("scopes", "audience"),
    "usage_limit_settled": ("grant_type", "scopes"),
    # Comes after the decision, and appears in a trace only where it refuses.
    CLAIMS_MADE: ("grant_type", "client", "subject", "groups", "scopes", "audience", "claims"),
}


def explain_inputs(decision: Decision, check: str) -> dict[str, JSON]:
    """Answer what a check looked at, redacted; what was too large to read is left out."""
    read: dict[str, JSON] = {}
    if decision.document is None:
        return read
    for name in CHECK_INPUTS[check]:
        with contextlib.suppress(DocumentTooLarge):
            read[name] = decision.document.read(name)
    return redact({name: member for name, member in read.items() if member is not ABSENT})
