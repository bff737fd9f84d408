"""The verdict on a request, with the checks that explain it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenants.policy_document import Document
    from tenants.records.configuration import ApiRecord, PolicyRecord
    from tenants.records.settings import EffectiveSettings
    from tenants.records.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One named check of a decision: whether it passed and, where not, the reason code."""

    name: str
    passed: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy said of a request, and whether that had an effect."""

    slug: str
    effect: str
    mode: str
    verdict: Verdict
    version: int
    is_applied: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on an access request; the ordered checks are its explanation.

    `usage_limit` is how often resource servers may ask about the token; 0 is no limit. `judged` has
    the policies whose links matched, in no order; `document` is what they read.
    """

    is_allowed: bool
    checks: tuple[Check, ...]
    granted_scopes: tuple[str, ...] = ()
    apis: tuple[ApiRecord, ...] = ()
    settings: EffectiveSettings | None = None
    usage_limit: int = 0
    judged: Sequence[tuple[PolicyRecord, Verdict, bool]] = field(
        default=(), compare=False, repr=False
    )
    document: Document | None = field(default=None, compare=False, repr=False)

    @property
    def refusal(self) -> Check:
        """The check that decided against the request; only for a denied decision."""
        return next(check for check in self.checks if not check.passed)

    @property
    def policies(self) -> tuple[PolicyResult, ...]:
        """What each policy said whose links matched, by slug."""
        return tuple(
            PolicyResult(p.slug, p.effect, p.mode, verdict, p.version, is_applied)
            for p, verdict, is_applied in sorted(
                self.judged, key=lambda judged: (judged[0].slug, judged[0].id)
            )
        )
