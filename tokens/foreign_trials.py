"""Tries a token on a trust profile without accepting it: every check, and who it would stand for.

Nothing is stored: no replay is noted, nobody is linked or created, and no answer is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tenants import trust
from tenants.queries.subjects import find_subject
from tenants.records import Check, TrustMatch
from tenants.services.subjects import CREATE, find_linkable
from tenants.trust import OPAQUE
from tokens import direct_tokens
from tokens.assertions import explain_assertion
from tokens.foreign_claims import InvalidAssertion
from tokens.foreign_introspection import IntrospectionCache
from tokens.outside_calls import CALLS

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import SignedClaims, TrustProfileRecord
    from tenants.trust import ScopeOutcome

DIRECTLY_ONLY: Final = "an access token: accepted directly only, and no assertion"


class Outcome(StrEnum):
    """What would become of the subject that a token names."""

    KNOWN = "known"
    DISABLED = "disabled"
    LINKED = "linked"
    CREATED = "created"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trial:
    """What the checks say; the claims may be unproven, the outcome is None for a refused token."""

    checks: tuple[Check, ...]
    signed: SignedClaims | None = None
    scopes: ScopeOutcome | None = None
    outcome: Outcome | None = None
    subject_id: UUID | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether every check has passed."""
        return all(check.passed for check in self.checks)


def try_token(tenant_id: UUID, profile: TrustProfileRecord, token: str, now: float) -> Trial:
    """Try a token; `now` in seconds since the epoch."""
    checks, signed = _prove(profile, token, now)
    if signed is None:
        return Trial(checks)
    checks = (*checks, *trust.explain(profile, signed, int(now)))
    scopes = trust.settle_scopes(profile, signed)
    match = trust.match(profile, signed, int(now))
    if not isinstance(match, TrustMatch) or not all(check.passed for check in checks):
        return Trial(checks, signed, scopes)
    outcome, subject_id = _foresee(tenant_id, match)
    return Trial(checks, signed, scopes, outcome, subject_id)


def _prove(
    profile: TrustProfileRecord, token: str, now: float
) -> tuple[tuple[Check, ...], SignedClaims | None]:
    if profile.kind != OPAQUE:
        return _prove_signed(profile, token, now)
    if not token.startswith(profile.token_prefix):
        return (Check("prefix", passed=False, reason="wrong_prefix"),), None
    prefix = Check("prefix", passed=True)
    try:
        signed = IntrospectionCache(calls=CALLS).introspect(token, profile, now)
    except InvalidAssertion as error:
        refused = Check("introspection", passed=False, reason=error.reason, detail=error.detail)
        return (prefix, refused), None
    return (prefix, Check("introspection", passed=True)), signed


def _prove_signed(
    profile: TrustProfileRecord, token: str, now: float
) -> tuple[tuple[Check, ...], SignedClaims | None]:
    """Try each way in: an access token by its type is no assertion, yet may work directly."""
    checks, signed = explain_assertion(token, profile, now)
    if not profile.is_accepted_directly or _has_passed(checks, "type"):
        return checks, signed
    checks, signed = explain_assertion(token, profile, now, types=direct_tokens.ACCEPTED_TYPES)
    if not _has_passed(checks, "type"):
        return checks, signed
    told = Check("type", passed=True, detail=DIRECTLY_ONLY)
    return tuple(told if check.name == "type" else check for check in checks), signed


def _has_passed(checks: tuple[Check, ...], name: str) -> bool:
    return any(check.passed for check in checks if check.name == name)


def _foresee(tenant_id: UUID, match: TrustMatch) -> tuple[Outcome, UUID | None]:
    """Say who the subject is or would be; at most three statements, all of which only read."""
    subject = find_subject(tenant_id, match)
    if subject is not None:
        return (Outcome.KNOWN if subject.is_enabled else Outcome.DISABLED), subject.id
    linkable = find_linkable(tenant_id, match)
    if linkable is not None:
        return Outcome.LINKED, linkable.pk
    return (Outcome.CREATED if match.provisioning == CREATE else Outcome.UNKNOWN), None
