"""What an export says of secrets: what is compared as hash, what is used as ciphertext."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.values import encode_bytes
from tenants.services.trust_profiles import SECRET_SLOTS

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.records import JSON


def needs_id(entity: Model) -> bool:
    """Say whether an entity is of no use elsewhere without its id.

    The text of a machine-made secret names its row, and a ciphertext is bound to its own.
    """
    match entity:
        case models.ClientSecret():
            return entity.secret_hash is not None
        case models.TrustProfile():
            return any(slot.read(entity) is not None for slot in SECRET_SLOTS)
        case models.MasterToken() | models.InitialAccessToken() | models.SigningKey():
            return True
        case _:
            return False


def write_secret(entity: Model) -> dict[str, JSON]:
    """Write what an entity holds besides its attributes."""
    match entity:
        case models.ClientSecret(typed_secret_hash=typed_hash) if typed_hash:
            return {"hash": typed_hash}
        case models.ClientSecret():
            return _write_hash(entity.secret_hash, entity.pepper_id, entity.hint)
        case models.MasterToken() | models.InitialAccessToken():
            return _write_hash(entity.token_hash, entity.pepper_id, entity.hint)
        case models.TrustProfile():
            return _write_ciphertexts(entity)
        case _:
            return {}


def _write_ciphertexts(profile: models.TrustProfile) -> dict[str, JSON]:
    return {
        slot.name: {"ciphertext": encode_bytes(stored), "kek_id": slot.read_kek_id(profile)}
        for slot in SECRET_SLOTS
        if (stored := slot.read(profile)) is not None
    }


def _write_hash(digest: bytes | memoryview | None, pepper_id: str, hint: str) -> dict[str, JSON]:
    written: dict[str, JSON] = {"hash": encode_bytes(bytes(digest or b"")), "pepper_id": pepper_id}
    return {**written, "hint": hint} if hint else written
