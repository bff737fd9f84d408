"""Makes the tokens by which clients may be registered. Source: RFC 7591 section 1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import credentials
from tenants.services import changes

if TYPE_CHECKING:
    from tenants.models import InitialAccessToken
    from tenants.records import Actor

HINT_LENGTH = 4


def create_initial_access_token(
    token: InitialAccessToken, *, actor: Actor, reason: str = ""
) -> str:
    """Store a new initial access token and answer its text, which is never shown again."""
    issued = credentials.make_credential(credentials.CredentialKind.INITIAL_ACCESS_TOKEN, token.pk)
    token.pepper_id = issued.keyed_hash.pepper_id
    token.token_hash = issued.keyed_hash.digest
    token.hint = issued.text[-HINT_LENGTH:]
    changes.save(token, actor=actor, reason=reason)
    return issued.text
