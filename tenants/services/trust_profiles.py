"""Writes trust profiles and their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.models import TrustProfile
    from tenants.records import Actor, Ciphertext

MAX_SECRET_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class SecretSlot:
    """A place of a trust profile where a secret is kept, encrypted."""

    name: str
    ciphertext_field: str
    kek_id_field: str
    context: Callable[[UUID], str]
    min_bytes: int
    source: str

    def read(self, profile: TrustProfile) -> bytes | None:
        """Answer the stored ciphertext; None where there is no secret."""
        stored = getattr(profile, self.ciphertext_field)
        return None if stored is None else bytes(stored)

    def read_kek_id(self, profile: TrustProfile) -> str:
        """Answer under which key the stored secret is encrypted."""
        return str(getattr(profile, self.kek_id_field))

    def write(self, profile: TrustProfile, sealed: Ciphertext | None) -> None:
        """Put a ciphertext into the profile, or take it out."""
        setattr(profile, self.ciphertext_field, sealed.blob if sealed else None)
        setattr(profile, self.kek_id_field, sealed.kek_id if sealed else "")

    def find_mistake(self, text: str) -> str:
        """Say why a secret can't be kept here; an empty text where it can."""
        size = len(text.encode())
        if size < self.min_bytes:
            return f"use {self.min_bytes} bytes or more ({self.source})"
        return f"use {MAX_SECRET_BYTES} bytes or less" if size > MAX_SECRET_BYTES else ""


SHARED_SECRET: Final = SecretSlot(
    "shared_secret",
    "shared_secret_ciphertext",
    "kek_id",
    credentials.trust_profile_context,
    32,
    "RFC 7518 section 3.2",
)
INTROSPECTION_SECRET: Final = SecretSlot(
    "introspection_secret",
    "introspection_secret_ciphertext",
    "introspection_kek_id",
    credentials.introspection_context,
    1,
    "RFC 6749 section 2.3.1",
)
SECRET_SLOTS: Final = (SHARED_SECRET, INTROSPECTION_SECRET)


def save_trust_profile(
    profile: TrustProfile,
    *,
    actor: Actor,
    reason: str = "",
    links: changes.Links | None = None,
    shared_secret: str | None = "",
    introspection_secret: str | None = "",
) -> TrustProfile:
    """Create or update a trust profile; disabling it ends what came of its tokens.

    A secret that is empty stays as it is stored, and None removes it.

    Raises:
        InvalidEntity: naming each wrong field; a shared secret needs 256 bits or more.
    """
    _settle(profile, SHARED_SECRET, shared_secret)
    _settle(profile, INTROSPECTION_SECRET, introspection_secret)
    changes.save(profile, actor=actor, reason=reason, links=links)
    return profile


def require_secret_for_another_address(
    profile: TrustProfile, introspection_secret: str | None
) -> None:
    """Demand the introspection secret again where it would be sent somewhere else than before.

    It can be written and never read: whoever may only write must not have it sent to themselves.

    Raises:
        InvalidEntity: it is to be kept, and the address is another.
    """
    if introspection_secret != "":
        return
    stored = type(profile).objects.filter(pk=profile.pk, tenant=profile.tenant_id)
    kept = stored.exclude(introspection_secret_ciphertext=None)
    if kept.exclude(introspection_endpoint=profile.introspection_endpoint).exists():
        text = "Give the secret again, or remove it: it would be sent to another address."
        raise InvalidEntity({INTROSPECTION_SECRET.name: [text]})


def _settle(profile: TrustProfile, slot: SecretSlot, text: str | None) -> None:
    if text == "":
        return
    if text is None:
        slot.write(profile, None)
        return
    mistake = slot.find_mistake(text)
    if mistake:
        raise InvalidEntity({slot.name: [f"{mistake[0].upper()}{mistake[1:]}."]})
    sealed = credentials.encrypt(text.encode(), context=slot.context(profile.pk))
    slot.write(profile, sealed)
