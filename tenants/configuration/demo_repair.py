"""Gives the demo's stored tenants the secrets of its file again, where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import credentials, models
from tenants.configuration.stated_hashes import hash_machine_secret, is_same_secret
from tenants.configuration.values import is_same
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import SYSTEM, Ciphertext, KeyedHash
from tenants.services import changes, client_secrets, trust_profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.configuration.documents import Entry

REASON = "the demo's secrets were made anew"


def repair(tenant: models.Tenant, entry: Entry, variables: Mapping[str, str]) -> None:
    """Replace the demo's own secrets and keys; what is not there any more stays away."""
    for client in entry.entries("clients"):
        for secret in client.entries("secrets"):
            if "value_from_env" in secret:
                text = variables[secret.text("value_from_env")]
                _repair_secret(tenant, client.text("client_id"), secret.text("label"), text)
    for profile in entry.entries("trust_profiles"):
        if "jwks" in profile:
            _repair_keys(tenant, profile)
        else:
            _repair_provider(tenant, profile, variables)
    for token in entry.entries("master_tokens"):
        _repair_master_token(tenant, token.text("label"), variables[token.text("value_from_env")])


def _repair_secret(tenant: models.Tenant, client_id: str, label: str, text: str) -> None:
    secret = models.ClientSecret.objects.filter(
        tenant=tenant, client__client_id=client_id, label=label
    ).first()
    if secret is None or _is_text_of(secret, text):
        return
    client = secret.client
    client_secrets.remove_secret(secret, actor=SYSTEM, reason=REASON)
    client_secrets.import_secret(client, label=label, text=text, actor=SYSTEM)


def _is_text_of(secret: models.ClientSecret, text: str) -> bool:
    keyed_hash = KeyedHash(secret.pepper_id, bytes(secret.secret_hash or b""))
    return is_same_secret(credentials.CredentialKind.CLIENT_SECRET, text, secret.pk, keyed_hash)


def _repair_keys(tenant: models.Tenant, entry: Entry) -> None:
    profile = models.TrustProfile.objects.filter(tenant=tenant, slug=entry.text("slug")).first()
    jwks = entry.content["jwks"]
    if profile is None or is_same(profile.jwks, jwks):
        return
    profile.jwks = jwks
    trust_profiles.save_trust_profile(profile, actor=SYSTEM, reason=REASON)


def _repair_provider(tenant: models.Tenant, entry: Entry, variables: Mapping[str, str]) -> None:
    """Let a provider be asked where it runs now, which another port changes, and by its secret."""
    profile = models.TrustProfile.objects.filter(tenant=tenant, slug=entry.text("slug")).first()
    if profile is None:
        return
    secret = variables[entry.entry("introspection_secret").text("value_from_env")]
    endpoint = entry.text("introspection_endpoint")
    if profile.introspection_endpoint == endpoint and _read_secret(profile) == secret:
        return
    profile.introspection_endpoint = endpoint
    trust_profiles.save_trust_profile(
        profile, actor=SYSTEM, reason=REASON, introspection_secret=secret
    )


def _read_secret(profile: models.TrustProfile) -> str | None:
    """Read the stored secret; None where there is none that can be read."""
    slot = trust_profiles.INTROSPECTION_SECRET
    blob = slot.read(profile)
    if blob is None:
        return None
    sealed = Ciphertext(slot.read_kek_id(profile), blob)
    try:
        return credentials.decrypt(sealed, context=slot.context(profile.pk)).decode()
    except (InvalidCiphertext, UnknownKeyEncryptionKey):
        return None


def _repair_master_token(tenant: models.Tenant, label: str, text: str) -> None:
    """Replace a master token by the one of this text, which names another row."""
    kind = credentials.CredentialKind.MASTER_TOKEN
    token = models.MasterToken.objects.filter(tenant=tenant, label=label).first()
    stated = hash_machine_secret(kind, text)
    if token is None or stated is None:
        return
    stored = KeyedHash(token.pepper_id, bytes(token.token_hash))
    if is_same_secret(kind, text, token.pk, stored):
        return
    links = {"scopes": list(token.scopes.all())}
    changes.delete(token, actor=SYSTEM, reason=REASON)
    token.pk, token.hint = stated.row_id, stated.hint
    token.pepper_id, token.token_hash = stated.keyed_hash.pepper_id, stated.keyed_hash.digest
    token._state.adding = True  # noqa: SLF001 - Django's documented way to store a copy.
    changes.save(token, actor=SYSTEM, reason=REASON, links=links)
