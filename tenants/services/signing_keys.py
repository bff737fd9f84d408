"""Writes signing keys; their life as rings is told in the tokens package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from tenants import credentials
from tenants.errors import Conflict
from tenants.models import SigningKey
from tenants.records import Ciphertext
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.records import JSON, Actor

State = SigningKey.State


def encryption_context(key_id: UUID) -> str:
    """Name the encryption context of a signing key's private part."""
    return f"signing-key:{key_id}"


def create(
    key: SigningKey,
    *,
    private: bytes,
    public_jwk: Mapping[str, JSON] | None,
    actor: Actor,
    reason: str = "",
) -> SigningKey:
    """Store a new key of a ring, its private part encrypted."""
    key.public_jwk = dict(public_jwk) if public_jwk is not None else None
    _encrypt(key, private)
    if key.state == State.CURRENT:
        key.activated_at = timezone.now()
    changes.save(key, actor=actor, reason=reason)
    return key


def move(key: SigningKey, state: SigningKey.State, *, actor: Actor, reason: str = "") -> None:
    """Move a key to another place of its ring; a retired one loses its private part."""
    key.state = state
    if state == State.CURRENT:
        key.activated_at = timezone.now()
    if state in {State.PREVIOUS, State.RETIRED} and key.replaced_at is None:
        key.replaced_at = timezone.now()
    if state == State.RETIRED:
        key.private_ciphertext, key.kek_id = b"", ""
    changes.save(key, actor=actor, reason=reason, event=f"signing_key.{state.value}")


def reencrypt(key: SigningKey, *, actor: Actor) -> None:
    """Encrypt a private part under the key encryption key that is current now.

    Raises:
        UnknownKeyEncryptionKey: the key that it is encrypted under is not configured any more.
    """
    context = encryption_context(key.pk)
    ciphertext = Ciphertext(key.kek_id, bytes(key.private_ciphertext))
    _encrypt(key, credentials.decrypt(ciphertext, context=context))
    changes.save(key, actor=actor, event="signing_key.reencrypted")


def delete(key: SigningKey, *, actor: Actor, reason: str = "") -> None:
    """Delete a retired key.

    Raises:
        Conflict: the key is in use.
    """
    if key.state != State.RETIRED:
        raise Conflict(f"This key is in use ({key.state}): rotate its ring until it is retired.")
    changes.delete(key, actor=actor, reason=reason)


def _encrypt(key: SigningKey, private: bytes) -> None:
    ciphertext = credentials.encrypt(private, context=encryption_context(key.pk))
    key.private_ciphertext, key.kek_id = ciphertext.blob, ciphertext.kek_id
