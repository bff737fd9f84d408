"""Brings a trust profile, with its secrets, to what its entry says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tenants import credentials, models
from tenants.configuration.journal import changed_secret
from tenants.configuration.secret_sources import find_text, is_known_encryption_key
from tenants.configuration.values import decode_bytes
from tenants.configuration.writing import Draft, bring
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import Ciphertext
from tenants.services.trust_profiles import SECRET_SLOTS

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.configuration.documents import Entry
    from tenants.services.trust_profiles import SecretSlot


def bring_trust_profile(draft: Draft) -> None:
    """Bring one trust profile to what its entry says; a secret that is not stated goes."""
    are_had = [_bring_secret(draft, slot) for slot in SECRET_SLOTS]  # Each notes its mistakes.
    if all(are_had):
        bring(draft)


def _bring_secret(draft: Draft, slot: SecretSlot) -> bool:
    """Put one secret into the profile; False, with a mistake noted, where it can't be had."""
    profile = cast("models.TrustProfile", draft.entity)
    entry, stored = draft.entry.entry(slot.name), slot.read(profile)
    wanted = _read_ciphertext(draft, entry, slot) if entry.content else None
    if entry.content and wanted is None:
        return False
    if (wanted.blob if wanted else None) != stored:
        slot.write(profile, wanted)
        draft.differences.append(changed_secret(f"{draft.label}.{slot.name}"))
    return True


def _read_ciphertext(draft: Draft, entry: Entry, slot: SecretSlot) -> Ciphertext | None:
    """Answer the ciphertext to be stored: the stored one where the secret is the same."""
    profile = cast("models.TrustProfile", draft.entity)
    context_id = _context_id(draft)
    secret = _read_secret(draft, entry, slot, context_id)
    if secret is None:
        return None
    stored = slot.read(profile)
    if stored is not None:
        kept = Ciphertext(slot.read_kek_id(profile), stored)
        if _decrypt(kept, slot.context(profile.pk)) == secret:
            return kept
    if "ciphertext" in entry:
        return Ciphertext(entry.text("kek_id"), decode_bytes(entry.text("ciphertext")))
    return credentials.encrypt(secret, context=slot.context(context_id))


def _context_id(draft: Draft) -> UUID:
    """Answer the id to which the ciphertext is bound; a new profile may choose it."""
    stated = draft.entry.content.get("id")
    if stated is not None and draft.is_new:
        draft.entity.pk = type(draft.entity.pk)(str(stated))
    return cast("UUID", draft.entity.pk)


def _read_secret(draft: Draft, entry: Entry, slot: SecretSlot, context_id: UUID) -> bytes | None:
    if "ciphertext" in entry:
        if not is_known_encryption_key(draft.journal, entry):
            return None
        stated = Ciphertext(entry.text("kek_id"), decode_bytes(entry.text("ciphertext")))
        secret = _decrypt(stated, slot.context(context_id))
        if secret is None:
            text = "this can't be decrypted; it belongs to the id with which it was exported"
            draft.journal.refuse(entry, text, "ciphertext")
        return secret
    found = find_text(draft.journal, entry)
    mistake = slot.find_mistake(found) if found is not None else ""
    if mistake:
        draft.journal.refuse(entry, mistake, next(iter(entry.content)))
        return None
    return None if found is None else found.encode()


def _decrypt(ciphertext: Ciphertext, context: str) -> bytes | None:
    try:
        return credentials.decrypt(ciphertext, context=context)
    except (InvalidCiphertext, UnknownKeyEncryptionKey):
        return None
