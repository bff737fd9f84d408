"""Patterns over the claims of a verified token, in the terms of the policy engine `match`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.policy_document import make_claims_document
from tenants.policy_engines import Severity, compile_rule, lint
from tenants.records import unknown_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tenants.records import JSON, Verdict

PLACE = "/claims"


def compile_claims(pattern: JSON) -> Callable[[Mapping[str, JSON]], Verdict]:
    """Compile a pattern once, for every token.

    It never fails: a pattern that can't be compiled, or that breaks, is indeterminate, and so are
    claims that are larger or deeper than a pattern may be asked to read.
    """
    if not pattern:
        return unknown_claims
    evaluate = compile_rule("match", {"claims": pattern})
    return lambda claims: evaluate(make_claims_document(claims))


def lint_claims(pattern: JSON) -> list[str]:
    """Find what is wrong with a pattern, in words that name the place; an empty one is right."""
    if pattern == {}:
        return []
    if not isinstance(pattern, dict):
        return ["Write an object with names of claims, as in the policy engine match."]
    findings = lint("allow", "match", {"claims": pattern})
    mistakes = [
        f"{finding.path.removeprefix(PLACE)}: {finding.message}".removeprefix(": ")
        for finding in findings
        if finding.severity is Severity.ERROR
    ]
    return mistakes or list(_find_foreign_references(pattern))


def _find_foreign_references(pattern: JSON) -> Iterator[str]:
    """Find comparisons with what is no claim; nothing else is known where claims are judged."""
    if isinstance(pattern, list):
        for element in pattern:
            yield from _find_foreign_references(element)
    if not isinstance(pattern, dict):
        return
    for name, member in pattern.items():
        if name != "$ref":
            yield from _find_foreign_references(member)
            continue
        steps = member if isinstance(member, list) else str(member).split(".")
        if steps[:1] != ["claims"]:
            yield "$ref names another claim here, such as claims.azp."
