"""Changes the passkeys of end users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from tenants import audit
from tenants.errors import Conflict, NotFound
from tenants.models import Passkey, Subject
from tenants.services import changes

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Actor

MAX_PASSKEYS: Final = 10
MAX_LABEL_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a person's authenticator has just made, and proven to have."""

    credential_id: bytes
    public_key: bytes
    signature_count: int
    is_backed_up: bool
    transports: tuple[str, ...] = ()


def add_passkey(
    tenant_id: UUID, subject_id: UUID, made: NewPasskey, label: str, *, actor: Actor
) -> Passkey:
    """Let a person sign in with a new passkey.

    Raises:
        NotFound: the tenant has no such subject, or it is disabled.
        Conflict: the person has enough passkeys.
        InvalidEntity: the label is empty or too long, or the tenant knows the passkey already.
    """
    with transaction.atomic():
        # Two at once must not both be the last one that is allowed.
        audit.lock_chain(tenant_id)
        people = Subject.objects.filter(tenant_id=tenant_id, is_enabled=True, erased_at=None)
        if not people.filter(pk=subject_id).exists():
            raise NotFound("There is no such user.")
        known = Passkey.objects.filter(tenant_id=tenant_id, subject_id=subject_id)
        if known.count() >= MAX_PASSKEYS:
            raise Conflict(f"Nobody has more than {MAX_PASSKEYS} passkeys.")
        passkey = Passkey(
            tenant_id=tenant_id,
            subject_id=subject_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            signature_count=made.signature_count,
            transports=list(made.transports),
            label=label,
            is_backed_up=made.is_backed_up,
        )
        changes.save(passkey, actor=actor)
    return passkey


def note_passkey_use(
    passkey: Passkey, *, signature_count: int, is_backed_up: bool, actor: Actor
) -> bool:
    """Note a use of a passkey; False, and a line in the audit, where its counter went back.

    An authenticator that counts never does that, so the key has been copied. Most that are
    synchronised don't count: theirs stays 0. Source: WebAuthn Level 3 section 6.1.1.
    """
    rows = Passkey.objects.filter(tenant_id=passkey.tenant_id, pk=passkey.pk)
    is_right = (
        {"signature_count__lt": signature_count} if signature_count else {"signature_count": 0}
    )
    # One statement: of two answers with the same count only one is right.
    if rows.filter(**is_right).update(
        signature_count=signature_count, is_backed_up=is_backed_up, last_used_at=timezone.now()
    ):
        return True
    with transaction.atomic():
        audit.record_event(
            tenant_id=passkey.tenant_id,
            event="passkey.refused",
            actor=actor,
            entity_kind="passkey",
            entity_id=str(passkey.pk),
            reason="its counter went back: it may have been copied",
        )
    return False


def rename_passkey(
    tenant_id: UUID, subject_id: UUID, passkey_id: UUID, label: str, *, actor: Actor
) -> None:
    """Give a person's passkey another label.

    Raises:
        NotFound: the person has no such passkey.
        InvalidEntity: the label is empty or too long.
    """
    with transaction.atomic():
        passkey = _hold(tenant_id, subject_id, passkey_id)
        passkey.label = label
        changes.save(passkey, actor=actor)


def remove_passkey(tenant_id: UUID, subject_id: UUID, passkey_id: UUID, *, actor: Actor) -> None:
    """Remove a person's passkey: nobody signs in with it any more.

    Raises:
        NotFound: the person has no such passkey.
    """
    with transaction.atomic():
        changes.delete(_hold(tenant_id, subject_id, passkey_id), actor=actor)


def _hold(tenant_id: UUID, subject_id: UUID, passkey_id: UUID) -> Passkey:
    """Lock the row, so that a use of the key meanwhile is not written over."""
    audit.lock_chain(tenant_id)
    rows = Passkey.objects.select_for_update().filter(tenant_id=tenant_id, subject_id=subject_id)
    passkey = rows.filter(pk=passkey_id).first()
    if passkey is None:
        raise NotFound("There is no such passkey.")
    return passkey
