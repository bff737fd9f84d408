"""Makes, imports and removes the secrets of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.models import ClientSecret
from tenants.services import changes

if TYPE_CHECKING:
    from datetime import datetime

    from tenants.models import Client
    from tenants.records import Actor

MAX_LIVE_SECRETS = 10
HINT_LENGTH = 4


def add_secret(
    client: Client, *, label: str, actor: Actor, expires_at: datetime | None = None
) -> tuple[ClientSecret, str]:
    """Make a secret of 256 random bits; its text is answered here and never again.

    Raises:
        InvalidEntity: the label is taken, or the client has too many secrets.
    """
    secret = _new_secret(client, label, expires_at)
    issued = credentials.make_credential(credentials.CredentialKind.CLIENT_SECRET, secret.pk)
    secret.pepper_id = issued.keyed_hash.pepper_id
    secret.secret_hash = issued.keyed_hash.digest
    secret.hint = issued.text[-HINT_LENGTH:]
    changes.save(secret, actor=actor)
    return secret, issued.text


def import_secret(
    client: Client, *, label: str, text: str, actor: Actor, expires_at: datetime | None = None
) -> ClientSecret:
    """Store a secret that somebody chose, under a slow hash, or one of our own form as it is.

    Raises:
        InvalidEntity: the text is too short or too long.
    """
    secret = _new_secret(client, label, expires_at)
    parsed = credentials.parse_credential(credentials.CredentialKind.CLIENT_SECRET, text)
    if parsed:
        secret.pk = parsed.row_id
        keyed_hash = credentials.hash_secret(parsed.secret)
        secret.pepper_id, secret.secret_hash = keyed_hash.pepper_id, keyed_hash.digest
    else:
        _check_typed_secret_allowed(client, secret)
        try:
            secret.typed_secret_hash = credentials.hash_typed_secret(text)
        except ValueError as error:
            raise InvalidEntity({"value": [str(error)]}) from error
    secret.hint = text[-HINT_LENGTH:] if parsed else ""
    changes.save(secret, actor=actor)
    return secret


def remove_secret(secret: ClientSecret, *, actor: Actor, reason: str = "") -> None:
    """Remove a secret; whoever still uses it is refused within a second."""
    changes.delete(secret, actor=actor, reason=reason)


def _check_typed_secret_allowed(client: Client, secret: ClientSecret) -> None:
    """Allow one typed secret: with more, the time of a refusal would tell their number."""
    if not client.tenant.allow_typed_secrets:
        text = "This tenant takes generated secrets only; leave it empty to get one."
        raise InvalidEntity({"value": [text]})
    if client.secrets.exclude(pk=secret.pk).exclude(typed_secret_hash="").exists():
        text = "A client has at most one typed secret; generate the next one instead."
        raise InvalidEntity({"value": [text]})


def _new_secret(client: Client, label: str, expires_at: datetime | None) -> ClientSecret:
    if client.secrets.count() >= MAX_LIVE_SECRETS:
        text = f"A client has at most {MAX_LIVE_SECRETS} secrets; remove one that is not used."
        raise InvalidEntity({"secrets": [text]})
    return ClientSecret(
        tenant_id=client.tenant_id, client=client, label=label, expires_at=expires_at
    )
