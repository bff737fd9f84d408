"""What rules, patterns and filters do until they are compiled: they open nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.records.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.policy_document import Document
    from tenants.records.vocabulary import JSON


def indeterminate(_document: Document) -> Verdict:
    """Say that nothing is known: a rule that was never compiled opens nothing."""
    return Verdict.INDETERMINATE


def nothing(_document: Document) -> JSON:
    """Answer no value: a claim rule that was never compiled adds nothing."""
    return None


def unknown_claims(_claims: Mapping[str, JSON]) -> Verdict:
    """Say that nothing is known: a pattern that was never compiled accepts no token."""
    return Verdict.INDETERMINATE


def nobody(_name: str) -> bool:
    """Allow nobody: a filter that was never compiled opens nothing."""
    return False
