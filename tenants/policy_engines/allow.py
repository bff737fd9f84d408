"""The engine `allow`: its policies match wherever their links do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.policy_engines.findings import Mistake
from tenants.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenants.policy_document import Document
    from tenants.records import JSON


def compile_rule(rule: JSON) -> Callable[[Document], Verdict]:
    """Answer a rule that always matches and reads nothing.

    Raises:
        ValueError: there is a rule, whose author expects that it is heeded.
    """
    if rule is not None:
        raise ValueError("the engine allow has no rule")
    return lambda _document: Verdict.TRUE


def lint(rule: JSON, _effect: str) -> Iterator[Mistake]:
    """Find a rule where there must be none."""
    if rule is not None:
        yield Mistake((), "The engine allow has no rule; leave it empty or choose another engine.")
