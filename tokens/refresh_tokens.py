"""Judges a presented refresh token: it works once, and again only within the grace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import orjson
from django.conf import settings

from tenants.credentials import ParsedCredential
from tokens import keys, sessions, token_store
from tokens.errors import InvalidGrant

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import JSON, PresentedRefreshToken

logger = logging.getLogger(__name__)

REFUSAL: Final = (
    "The refresh token is invalid, expired, revoked, already used, or another client's. "
    "Ask for a new grant."
)


def present(tenant_id: UUID, client: UUID, text: str, *, now: float) -> PresentedRefreshToken:
    """Answer the refresh token that a client presents, if it is its own and lives.

    It may have been used within the grace: then `repeated_answer_of` gives the answer again. A
    use after the grace ends the whole family.

    Raises:
        InvalidGrant: nothing comes of it.
    Source: RFC 6749 section 6, RFC 9700 section 4.14.2.
    """
    presented = token_store.find_refresh_token(tenant_id, text, now=now)
    return _judge(presented, tenant_id, client, now)


def present_again(
    tenant_id: UUID, presented: PresentedRefreshToken, *, now: float
) -> PresentedRefreshToken:
    """Look once more at a refresh token that somebody else has rotated meanwhile.

    Raises:
        InvalidGrant: its session has ended, or the other use was too long ago.
    """
    found = token_store.find_refresh_credential(tenant_id, _credential(presented), now=now)
    return _judge(found, tenant_id, presented.client, now)


def repeated_answer_of(presented: PresentedRefreshToken) -> dict[str, JSON] | None:
    """Answer what the first use of the refresh token was answered; None before its first use."""
    if presented.consumed_at is None:
        return None
    if presented.repeated_answer is None:
        raise InvalidGrant(REFUSAL, detail="no repeated answer is kept")
    answer: dict[str, JSON] = orjson.loads(
        keys.open_answer(_credential(presented), presented.repeated_answer)
    )
    return answer


def seal_answer(presented: PresentedRefreshToken, answer: dict[str, JSON]) -> bytes:
    """Encrypt an answer so that only who holds the presented refresh token can read it."""
    return keys.seal_answer(_credential(presented), orjson.dumps(answer))


def _credential(presented: PresentedRefreshToken) -> ParsedCredential:
    return ParsedCredential(presented.id, presented.secret)


def _judge(
    presented: PresentedRefreshToken | None, tenant_id: UUID, client: UUID, now: float
) -> PresentedRefreshToken:
    if presented is None or presented.client != client:
        raise InvalidGrant(REFUSAL, detail="unknown refresh token, or another client's")
    if _is_reused(presented, now):
        sessions.end_session(tenant_id, presented.session_id, ended_reason="reuse")
        logger.warning("refresh token reused", extra={"session_id": str(presented.session_id)})
        raise InvalidGrant(REFUSAL, detail=f"refresh token {presented.id}: reused")
    if presented.death:
        raise InvalidGrant(REFUSAL, detail=f"refresh token {presented.id}: {presented.death}")
    return presented


def _is_reused(presented: PresentedRefreshToken, now: float) -> bool:
    """Say whether it was used before the grace, even if it has expired since."""
    consumed_at = presented.consumed_at
    return consumed_at is not None and now - consumed_at > settings.TOKENS_REFRESH_GRACE_SECONDS
