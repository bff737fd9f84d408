"""Judges a request by the access policies whose links it matches. Pure.

Deny wins; every granted scope needs an allow; all limits that match intersect. What is
indeterminate counts for the safe side: such an allow doesn't allow, a deny denies, a limit limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tenants.policy_links import ALLOW, Asked, find_candidates, find_reach
from tenants.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.policy_document import Document
    from tenants.policy_links import PolicyIndex, Unit
    from tenants.records import (
        AccessRequest,
        ApiRecord,
        EffectiveSettings,
        PolicyRecord,
        ScopeRecord,
    )

LIMIT: Final = "limit"
ENFORCE: Final = "enforce"
SHADOW: Final = "shadow"
NO_UNITS: Final[tuple[Unit, ...]] = ((None, None),)


@dataclass(slots=True)
class Judgement:
    """What the policies say together; `uncovered` are the parts that no allow reaches."""

    uncovered: dict[Unit, None]
    denials: list[PolicyRecord] = field(default_factory=list)
    limits: list[PolicyRecord] = field(default_factory=list)
    judged: list[tuple[PolicyRecord, Verdict, bool]] = field(default_factory=list)
    is_partly_allowed: bool = False

    @property
    def denial(self) -> PolicyRecord | None:
        """The first denial by name, whatever order the policies came in."""
        return min(self.denials, key=lambda policy: policy.slug) if self.denials else None


def ask(request: AccessRequest, units: tuple[Unit, ...]) -> Asked:
    """Collect what links are held against; without a subject there are no groups."""
    subject, client = request.subject, request.client
    groups = request.groups
    if groups is None and subject is None:
        groups = ()
    return Asked(
        client_id=client.id,
        client_kind=client.kind,
        operation=request.operation or request.grant_type,
        units=units,
        subject_id=subject.id if subject else None,
        groups=groups,
        trust_profile_id=request.trust_profile_id,
    )


def judge(index: PolicyIndex, asked: Asked, document: Document) -> Judgement:
    """Ask every policy whose links match; the answer depends on no order."""
    answer = Judgement(dict.fromkeys(asked.units))
    for policy, is_exact in find_candidates(index, asked):
        reach = asked.units if is_exact else find_reach(policy, asked)
        if not reach:
            continue
        verdict = policy.evaluate(document)
        is_applied = _is_effective(policy, verdict)
        answer.judged.append((policy, verdict, is_applied))
        if is_applied:
            _apply(policy, reach, answer)
    return answer


def _is_effective(policy: PolicyRecord, verdict: Verdict) -> bool:
    """Say whether the verdict lets the effect come about; a shadow has none."""
    if policy.effect == ALLOW:
        return policy.mode == ENFORCE and verdict is Verdict.TRUE
    return policy.mode != SHADOW and verdict is not Verdict.FALSE


def _apply(policy: PolicyRecord, reach: tuple[Unit, ...], answer: Judgement) -> None:
    if policy.effect == ALLOW:
        answer.is_partly_allowed = True
        for unit in reach:
            answer.uncovered.pop(unit, None)
    elif policy.effect == LIMIT:
        answer.limits.append(policy)
    else:
        answer.denials.append(policy)


@dataclass(frozen=True, slots=True)
class Limited:
    """What is left of a grant after all limits."""

    granted: Mapping[str, ScopeRecord]
    apis: tuple[ApiRecord, ...]
    settings: EffectiveSettings | None


def limit(
    limits: list[PolicyRecord],
    granted: Mapping[str, ScopeRecord],
    apis: tuple[ApiRecord, ...],
    settings: EffectiveSettings | None,
) -> Limited:
    """Cut scopes, Apis and lifetime by every limit.

    An Api that loses its last scope goes with it, and so do the scopes of an Api that goes. The
    settings stay those of all the Apis that were asked for: with fewer, none may become wider.
    """
    kept_apis, kept = apis, dict(granted)
    for policy in limits:
        if policy.limit_scopes is not None:
            kept = {n: scope for n, scope in kept.items() if n in policy.limit_scopes}
        if policy.limit_audiences is not None:
            kept_apis = tuple(api for api in kept_apis if api.audience in policy.limit_audiences)
        if policy.limit_lifetime_seconds is not None and settings is not None:
            seconds = min(settings.access_token_lifetime_seconds, policy.limit_lifetime_seconds)
            settings = replace(settings, access_token_lifetime_seconds=seconds)
    api_ids = {api.id for api in kept_apis}
    kept = {n: scope for n, scope in kept.items() if scope.api_id in api_ids}
    had, have = ({scope.api_id for scope in scopes.values()} for scopes in (granted, kept))
    left = tuple(api for api in kept_apis if api.id in have or api.id not in had)
    return Limited(kept, left, settings)
