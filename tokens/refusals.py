"""Turns a denied decision into the standard's error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

from tenants.policy import DESCRIPTIONS, Reason, wire_error
from tokens.errors import BY_WIRE_CODE

if TYPE_CHECKING:
    from tenants.records import AccessRequest, Decision

logger = logging.getLogger(__name__)


def raise_denied(request: AccessRequest, decision: Decision) -> NoReturn:
    """Raise the error that a denied decision stands for.

    Raises:
        OAuthError: with the wire code of the reason and a fixed sentence that says what to mend.
    """
    refusal = decision.refusal
    reason = Reason(refusal.reason)
    error = BY_WIRE_CODE[wire_error(reason, request.grant_type)]
    raise error(DESCRIPTIONS[reason], detail=f"{refusal.name}: {reason} {refusal.detail}")
