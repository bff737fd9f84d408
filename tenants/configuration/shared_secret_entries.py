"""Brings a trust profile, with its shared secret, to what its entry says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tenants import credentials, models
from tenants.configuration.journal import changed_secret
from tenants.configuration.secret_sources import find_text, is_known_encryption_key
from tenants.configuration.values import decode_bytes
from tenants.configuration.writing import Draft, bring
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import Ciphertext
from tenants.services.trust_profiles import MIN_SHARED_SECRET_BYTES

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.configuration.documents import Entry


def bring_trust_profile(draft: Draft) -> None:
    """Bring one trust profile to what its entry says; one without a shared secret has none."""
    profile = cast("models.TrustProfile", draft.entity)
    entry = draft.entry.entry("shared_secret")
    if not entry.content:
        if profile.shared_secret_ciphertext is not None:
            profile.shared_secret_ciphertext, profile.kek_id = None, ""
            draft.differences.append(changed_secret(f"{draft.label}.shared_secret"))
        bring(draft)
        return
    ciphertext = _read_ciphertext(draft, entry)
    if ciphertext:
        if ciphertext.blob != bytes(profile.shared_secret_ciphertext or b""):
            profile.kek_id, profile.shared_secret_ciphertext = ciphertext.kek_id, ciphertext.blob
            draft.differences.append(changed_secret(f"{draft.label}.shared_secret"))
        bring(draft)


def _read_ciphertext(draft: Draft, entry: Entry) -> Ciphertext | None:
    """Answer the ciphertext to be stored: the stored one where the secret is the same."""
    profile = cast("models.TrustProfile", draft.entity)
    context_id = _context_id(draft)
    secret = _read_secret(draft, entry, context_id)
    if secret is None:
        return None
    if profile.shared_secret_ciphertext is not None:
        stored = Ciphertext(profile.kek_id, bytes(profile.shared_secret_ciphertext))
        if _decrypt(stored, profile.pk) == secret:
            return stored
    if "ciphertext" in entry:
        return Ciphertext(entry.text("kek_id"), decode_bytes(entry.text("ciphertext")))
    return credentials.encrypt(secret, context=credentials.trust_profile_context(context_id))


def _context_id(draft: Draft) -> UUID:
    """Answer the id to which the ciphertext is bound; a new profile may choose it."""
    stated = draft.entry.content.get("id")
    if stated is not None and draft.is_new:
        draft.entity.pk = type(draft.entity.pk)(str(stated))
    return cast("UUID", draft.entity.pk)


def _read_secret(draft: Draft, entry: Entry, context_id: UUID) -> bytes | None:
    if "ciphertext" in entry:
        if not is_known_encryption_key(draft.journal, entry):
            return None
        stated = Ciphertext(entry.text("kek_id"), decode_bytes(entry.text("ciphertext")))
        secret = _decrypt(stated, context_id)
        if secret is None:
            text = "this can't be decrypted; it belongs to the id with which it was exported"
            draft.journal.refuse(entry, text, "ciphertext")
        return secret
    found = find_text(draft.journal, entry)
    if found is not None and len(found.encode()) < MIN_SHARED_SECRET_BYTES:
        message = f"use {MIN_SHARED_SECRET_BYTES} bytes or more (RFC 7518 section 3.2)"
        draft.journal.refuse(entry, message, next(iter(entry.content)))
        return None
    return None if found is None else found.encode()


def _decrypt(ciphertext: Ciphertext, profile_id: UUID) -> bytes | None:
    context = credentials.trust_profile_context(profile_id)
    try:
        return credentials.decrypt(ciphertext, context=context)
    except (InvalidCiphertext, UnknownKeyEncryptionKey):
        return None
