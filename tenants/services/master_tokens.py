"""Makes and ends master tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import credentials
from tenants.services import changes

if TYPE_CHECKING:
    from tenants.models import MasterToken
    from tenants.records import Actor

HINT_LENGTH = 4


def create_master_token(
    token: MasterToken, *, actor: Actor, reason: str = "", links: changes.Links | None = None
) -> str:
    """Store a new master token and answer its text, which is never shown again."""
    issued = credentials.make_credential(credentials.CredentialKind.MASTER_TOKEN, token.pk)
    token.pepper_id = issued.keyed_hash.pepper_id
    token.token_hash = issued.keyed_hash.digest
    token.hint = issued.text[-HINT_LENGTH:]
    changes.save(token, actor=actor, reason=reason, links=links)
    return issued.text


def save_master_token(
    token: MasterToken, *, actor: Actor, reason: str = "", links: changes.Links | None = None
) -> None:
    """Update a master token; disabling it ends what it has issued."""
    changes.save(token, actor=actor, reason=reason, links=links)
