"""Describes decisions as JSON that people and programs read: one form for pages and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.refusal_reasons import DESCRIPTIONS, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenants.records import JSON, Decision, PolicyResult
    from tokens.explain import ExplainedCheck, TokenExplanation
    from tokens.models import Refusal
    from tokens.preview import DroppedScope, ExplainedClaim, Preview

DECISIONS_PAGE: Final = "docs/decisions.md"


def describe_token(explained: TokenExplanation) -> dict[str, JSON]:
    """Describe why an issued token is what it is."""
    token = explained.token
    return {
        "kind": "token",
        "token": {
            "jti": str(token.pk),
            "client_id": explained.client_id,
            "subject": str(token.subject_id) if token.subject_id else None,
            "grant_type": token.grant_type,
            "scopes": [*token.scopes],
            "audiences": [*token.audiences],
            "format": token.format,
            "issued_at": token.issued_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
        },
        "asked": dict(explained.facts),
        "versions": dict(explained.versions),
        "checks": _describe_checks(explained.checks),
        "policies": _describe_policies(explained.policies),
        "claims": _describe_claims(explained.claims),
        "dropped_scopes": _describe_dropped(explained.dropped_scopes),
        "notes": [*explained.notes],
    }


def describe_refusal(refusal: Refusal) -> dict[str, JSON]:
    """Describe a refused request by its trace."""
    trace = refusal.trace
    checks = trace.get("checks", [])
    return {
        "kind": "refusal",
        "refusal": {
            "request_id": refusal.request_id,
            "occurred_at": refusal.occurred_at.isoformat(),
            "client_id": refusal.presented_client_id,
            "error": refusal.error,
            "reason": refusal.reason,
            "says": say(refusal.reason),
        },
        "asked": trace.get("request", {}),
        "versions": trace.get("versions", {}),
        "checks": [_add_words(check) for check in checks],
        "policies": trace.get("policies", []),
        "notes": ["The trace was cut to its bound."] if trace.get("is_cut") else [],
    }


def describe_preview(previewed: Preview) -> dict[str, JSON]:
    """Describe the token that a request would get, or why it would get none."""
    decision, planned = previewed.decision, previewed.plan
    described: dict[str, JSON] = {
        "kind": "preview",
        "is_allowed": decision.is_allowed,
        "checks": _describe_decision(decision),
        "policies": _describe_policies(decision.policies),
        "dropped_scopes": _describe_dropped(previewed.dropped_scopes),
    }
    if planned is not None:
        described |= {
            "header": dict(planned.header) if planned.header else None,
            "claims": _describe_claims(previewed.claims),
            "response": dict(previewed.response),
        }
        if planned.id_token is not None:
            described["id_token"] = dict(planned.id_token.claims)
    return described


def say(reason: str) -> str:
    """Say a reason code in its public sentence, which names the fix; empty for a wire code."""
    return DESCRIPTIONS[Reason(reason)] if reason in set(Reason) else ""


def link_of(name: str) -> str:
    """Name the paragraph of a check or a reason code."""
    return f"{DECISIONS_PAGE}#{name}"


def _describe_decision(decision: Decision) -> list[JSON]:
    return [
        _add_words(
            {
                "name": check.name,
                "passed": check.passed,
                "reason": str(check.reason),
                "detail": check.detail,
            }
        )
        for check in decision.checks
    ]


def _describe_checks(checks: Iterable[ExplainedCheck]) -> list[JSON]:
    return [
        _add_words(
            {
                "name": check.name,
                "passed": check.passed,
                "reason": check.reason,
                "detail": check.detail,
                "inputs": dict(check.inputs),
            }
        )
        for check in checks
    ]


def _add_words(check: Mapping[str, JSON]) -> JSON:
    """Add what a failed check's reason means, and where to read more."""
    reason = str(check.get("reason") or "")
    added: dict[str, JSON] = {"link": link_of(reason or str(check["name"]))}
    if reason and say(reason):
        added["says"] = say(reason)
    return {**check, **added}


def _describe_policies(policies: Iterable[PolicyResult]) -> list[JSON]:
    return [
        {
            "slug": result.slug,
            "effect": result.effect,
            "mode": result.mode,
            "verdict": str(result.verdict),
            "version": result.version,
            "is_applied": result.is_applied,
        }
        for result in policies
    ]


def _describe_claims(claims: Iterable[ExplainedClaim]) -> list[JSON]:
    return [{"name": c.name, "value": c.value, "source": c.source} for c in claims]


def _describe_dropped(dropped: Iterable[DroppedScope]) -> list[JSON]:
    return [
        {
            "name": scope.name,
            "check": scope.check,
            "reason": scope.reason,
            "detail": scope.detail,
            "says": say(scope.reason),
        }
        for scope in dropped
    ]
