"""Brings the secrets of a client to what its entry says; a secret is known by its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tenants import credentials, models
from tenants.configuration.journal import Difference, changed_secret
from tenants.configuration.secret_sources import find_text
from tenants.configuration.stated_hashes import is_same_secret, is_typed, read_keyed_hash
from tenants.configuration.stored import new_entity
from tenants.configuration.values import parse_moment
from tenants.configuration.writing import REASON, Draft, bring
from tenants.errors import InvalidEntity
from tenants.records import KeyedHash
from tenants.services import client_secrets
from tenants.services.client_secrets import MAX_LIVE_SECRETS

if TYPE_CHECKING:
    from tenants.configuration.stated_list import StatedList

KIND = credentials.CredentialKind.CLIENT_SECRET


def bring_secrets(secrets: StatedList) -> None:
    """Bring the secrets of a client to what its entry says, where it says anything of them."""
    secrets.remove_absent()
    for draft in secrets.drafts():
        if "hash" in draft.entry:
            _bring_hash(draft)
        else:
            _bring_text(draft)


def _secret_of(draft: Draft) -> models.ClientSecret:
    return cast("models.ClientSecret", draft.entity)


def _bring_text(draft: Draft) -> None:
    text = find_text(draft.journal, draft.entry)
    if text is None:
        return
    if draft.is_new:
        _import(draft, text, Difference("+", draft.label))
    elif _is_text_of(_secret_of(draft), text):
        bring(draft)
    else:
        _remove(draft)
        _import(draft, text, changed_secret(draft.label))


def _is_text_of(secret: models.ClientSecret, text: str) -> bool:
    if secret.typed_secret_hash:
        return credentials.is_typed_secret(text, secret.typed_secret_hash)
    return is_same_secret(KIND, text, secret.pk, _hash_of(secret))


def _hash_of(secret: models.ClientSecret) -> KeyedHash:
    return KeyedHash(secret.pepper_id, bytes(secret.secret_hash or b""))


def _remove(draft: Draft) -> None:
    client_secrets.remove_secret(_secret_of(draft), actor=draft.journal.actor, reason=REASON)


def _import(draft: Draft, text: str, difference: Difference) -> None:
    stated = draft.entry.content.get("expires_at")
    try:
        secret = client_secrets.import_secret(
            _secret_of(draft).client,
            label=draft.name,
            text=text,
            actor=draft.journal.actor,
            expires_at=None if stated is None else parse_moment(str(stated)),
        )
    except InvalidEntity as error:
        draft.journal.refuse_entity(draft.entry, error, {})
        return
    except ValueError as error:
        draft.journal.refuse(draft.entry, str(error), "expires_at")
        return
    draft.journal.differences.append(difference)
    if "id" in draft.entry and draft.entry.text("id") != str(secret.pk):
        message = "an id can be chosen for an exported hash only; remove it"
        draft.journal.refuse(draft.entry, message, "id")


def _bring_hash(draft: Draft) -> None:
    if draft.is_new and _secret_of(draft).client.secrets.count() >= MAX_LIVE_SECRETS:
        draft.journal.refuse(draft.entry, f"a client has at most {MAX_LIVE_SECRETS} secrets")
    elif is_typed(draft.entry):
        _bring_typed_hash(draft)
    else:
        _bring_keyed_hash(draft)


def _bring_typed_hash(draft: Draft) -> None:
    secret = _secret_of(draft)
    if not secret.client.tenant.allow_typed_secrets:
        text = "this tenant takes generated secrets only; set its allow_typed_secrets"
        draft.journal.refuse(draft.entry, text, "hash")
        return
    if secret.typed_secret_hash != draft.entry.text("hash"):
        secret.typed_secret_hash = draft.entry.text("hash")
        secret.secret_hash, secret.pepper_id, secret.hint = None, "", ""
        draft.differences.append(changed_secret(draft.label))
    bring(draft)


def _bring_keyed_hash(draft: Draft) -> None:
    stated = read_keyed_hash(draft.journal, draft.entry)
    if stated is None:
        return
    if not draft.is_new and draft.entity.pk != stated.row_id:
        # The text of such a secret names its row, so another secret is another row.
        owner = _secret_of(draft).client
        _remove(draft)
        draft.entity = new_entity(draft.kind, owner)
    secret = _secret_of(draft)
    if _hash_of(secret) != stated.keyed_hash or secret.hint != stated.hint:
        secret.pepper_id, secret.secret_hash = stated.keyed_hash.pepper_id, stated.keyed_hash.digest
        secret.typed_secret_hash, secret.hint = "", stated.hint
        draft.differences.append(changed_secret(draft.label))
    bring(draft)
