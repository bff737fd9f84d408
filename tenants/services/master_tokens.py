"""Makes and ends master tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from tenants import credentials
from tenants.services import changes, cut_offs

if TYPE_CHECKING:
    from tenants.models import MasterToken
    from tenants.records import Actor

HINT_LENGTH = 4


def create_master_token(
    token: MasterToken, *, actor: Actor, links: changes.Links | None = None
) -> str:
    """Store a new master token and answer its text, which is never shown again."""
    issued = credentials.make_credential(credentials.CredentialKind.MASTER_TOKEN, token.pk)
    token.pepper_id = issued.keyed_hash.pepper_id
    token.token_hash = issued.keyed_hash.digest
    token.hint = issued.text[-HINT_LENGTH:]
    changes.save(token, actor=actor, links=links)
    return issued.text


def save_master_token(
    token: MasterToken, *, actor: Actor, reason: str = "", links: changes.Links | None = None
) -> None:
    """Update a master token; disabling it ends what it has issued."""
    with transaction.atomic():
        stored = type(token).objects.filter(pk=token.pk).first()
        changes.save(token, actor=actor, reason=reason, links=links)
        if stored and stored.is_enabled and not token.is_enabled:
            cut_offs.end(
                token.tenant_id,
                actor=actor,
                reason=reason or "master token disabled",
                master_token_id=token.pk,
            )
