"""Writes trust profiles and their shared secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.services import changes

if TYPE_CHECKING:
    from tenants.models import TrustProfile
    from tenants.records import Actor

MIN_SHARED_SECRET_BYTES = 32


def save_trust_profile(
    profile: TrustProfile,
    *,
    actor: Actor,
    reason: str = "",
    links: changes.Links | None = None,
    shared_secret: str = "",
) -> TrustProfile:
    """Create or update a trust profile; disabling it ends what came of its tokens.

    Raises:
        InvalidEntity: naming each wrong field; a shared secret needs 256 bits or more.
    """
    if shared_secret:
        _set_shared_secret(profile, shared_secret)
    changes.save(profile, actor=actor, reason=reason, links=links)
    return profile


def _set_shared_secret(profile: TrustProfile, text: str) -> None:
    if len(text.encode()) < MIN_SHARED_SECRET_BYTES:
        message = f"Use {MIN_SHARED_SECRET_BYTES} bytes or more (RFC 7518 section 3.2)."
        raise InvalidEntity({"shared_secret": [message]})
    sealed = credentials.encrypt(
        text.encode(), context=credentials.trust_profile_context(profile.pk)
    )
    profile.kek_id, profile.shared_secret_ciphertext = sealed.kek_id, sealed.blob
