"""Three-valued logic after Kleene: what is absent makes an answer indeterminate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


def conjunction(verdicts: Iterable[Verdict]) -> Verdict:
    """Answer true if all are; one that is false decides."""
    answer = Verdict.TRUE
    for verdict in verdicts:
        if verdict is Verdict.FALSE:
            return verdict
        if verdict is not Verdict.TRUE:
            answer = Verdict.INDETERMINATE
    return answer


def disjunction(verdicts: Iterable[Verdict]) -> Verdict:
    """Answer false if all are; one that is true decides."""
    answer = Verdict.FALSE
    for verdict in verdicts:
        if verdict is Verdict.TRUE:
            return verdict
        if verdict is not Verdict.FALSE:
            answer = Verdict.INDETERMINATE
    return answer
