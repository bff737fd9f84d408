"""Writes trust profiles and their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, Unpack, cast

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from tenants.models import TrustProfile
    from tenants.records import Actor, Ciphertext

MAX_SECRET_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class SecretSlot:
    """A place of a trust profile where a secret is kept, encrypted.

    `address_field` says where the secret is sent; it is empty where it is sent nowhere.
    """

    name: str
    ciphertext_field: str
    kek_id_field: str
    context: Callable[[UUID], str]
    min_bytes: int
    source: str
    address_field: str = ""

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
    "introspection_endpoint",
)
SIGN_IN_SECRET: Final = SecretSlot(
    "sign_in_secret",
    "sign_in_secret_ciphertext",
    "sign_in_kek_id",
    credentials.sign_in_context,
    1,
    "RFC 6749 section 2.3.1",
    "token_endpoint",
)
SECRET_SLOTS: Final = (SHARED_SECRET, INTROSPECTION_SECRET, SIGN_IN_SECRET)


class Secrets(TypedDict, total=False):
    """The secrets of a profile by their slots: empty keeps the stored one, None removes it."""

    shared_secret: str | None
    introspection_secret: str | None
    sign_in_secret: str | None


def save_trust_profile(
    profile: TrustProfile,
    *,
    actor: Actor,
    reason: str = "",
    links: changes.Links | None = None,
    **secrets: Unpack[Secrets],
) -> TrustProfile:
    """Create or update a trust profile; disabling it ends what came of its tokens.

    A secret that is empty, or not there, stays as it is stored, and None removes it.

    Raises:
        InvalidEntity: naming each wrong field; a shared secret needs 256 bits or more.
    """
    stated = cast("Mapping[str, str | None]", secrets)
    for slot in SECRET_SLOTS:
        _settle(profile, slot, stated.get(slot.name, ""))
    changes.save(profile, actor=actor, reason=reason, links=links)
    return profile


def require_secrets_for_other_addresses(
    profile: TrustProfile, secrets: Mapping[str, str | None]
) -> None:
    """Demand a secret again where it would be sent somewhere else than before.

    It can be written and never read: whoever may only write must not have it sent to themselves.

    Raises:
        InvalidEntity: one is to be kept, and its address is another.
    """
    wrong = {
        slot.name: ["Give the secret again, or remove it: it would be sent to another address."]
        for slot in SECRET_SLOTS
        if slot.address_field and secrets.get(slot.name, "") == "" and _is_redirected(profile, slot)
    }
    if wrong:
        raise InvalidEntity(wrong)


def _is_redirected(profile: TrustProfile, slot: SecretSlot) -> bool:
    stored = type(profile).objects.filter(pk=profile.pk, tenant=profile.tenant_id)
    kept = stored.exclude(**{slot.ciphertext_field: None})
    address = getattr(profile, slot.address_field)
    return kept.exclude(**{slot.address_field: address}).exists()


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
