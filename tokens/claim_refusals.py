"""Why a token can't get its claims, although the request is allowed. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenants.policy import CLAIMS_MADE
from tenants.records import Check

if TYPE_CHECKING:
    from tenants.records import Decision
    from tenants.refusal_reasons import Reason

DETAIL_CHARACTERS: Final = 128


class ClaimsRefused(Exception):
    """A claim rule or the hook refuses the token: never is half of one issued."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Name the reason code and, for trace and log only, what exactly was wrong."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:DETAIL_CHARACTERS]


def deny(decision: Decision, refused: ClaimsRefused) -> Decision:
    """Turn an allowed decision into the denial that its claims lead to."""
    failed = Check(CLAIMS_MADE, passed=False, reason=refused.reason, detail=refused.detail)
    return replace(decision, is_allowed=False, checks=(*decision.checks, failed))
