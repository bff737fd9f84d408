"""Brings a token that the platform made to what its entry says.

A master token or an initial access token is made elsewhere and comes with its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

from tenants import credentials, models
from tenants.configuration.journal import changed_secret
from tenants.configuration.secret_sources import SOURCES, find_text
from tenants.configuration.stated_hashes import (
    StatedHash,
    hash_machine_secret,
    is_same_secret,
    is_typed,
    read_keyed_hash,
)
from tenants.configuration.stored import new_entity
from tenants.configuration.writing import Draft, bring
from tenants.records import KeyedHash

if TYPE_CHECKING:
    from tenants.configuration.stated_list import StatedList

Token: TypeAlias = models.MasterToken | models.InitialAccessToken
CREDENTIAL_KINDS: Final = {
    "master_tokens": credentials.CredentialKind.MASTER_TOKEN,
    "initial_access_tokens": credentials.CredentialKind.INITIAL_ACCESS_TOKEN,
}


def bring_token(tokens: StatedList, draft: Draft) -> None:
    """Bring one token to what its entry says; another one under its label replaces it."""
    stated = _read(draft)
    if stated is None:
        return
    if not draft.is_new and draft.entity.pk != stated.row_id:
        tokens.remove(draft.entity, draft.name)
        draft.entity = new_entity(draft.kind, tokens.owner)
    _set_hash(draft, stated)
    bring(draft)


def _token_of(draft: Draft) -> Token:
    return cast("Token", draft.entity)


def _read(draft: Draft) -> StatedHash | None:
    entry = draft.entry
    if "hash" in entry:
        if not is_typed(entry):
            return read_keyed_hash(draft.journal, entry)
        draft.journal.refuse(entry, f"the {draft.kind.noun} can't be chosen by a person", "hash")
        return None
    text = find_text(draft.journal, entry)
    return None if text is None else _read_text(draft, text)


def _read_text(draft: Draft, text: str) -> StatedHash | None:
    token, kind = _token_of(draft), CREDENTIAL_KINDS[draft.kind.name]
    if not draft.is_new and is_same_secret(kind, text, token.pk, _hash_of(token)):
        return StatedHash(token.pk, _hash_of(token), token.hint)
    stated = hash_machine_secret(kind, text)
    if stated is None:
        name = next(name for name in SOURCES if name in draft.entry)
        message = f"this is no {draft.kind.noun}; make one in the admin and export it"
        draft.journal.refuse(draft.entry, message, name)
    return stated


def _hash_of(token: Token) -> KeyedHash:
    return KeyedHash(token.pepper_id, bytes(token.token_hash or b""))


def _set_hash(draft: Draft, stated: StatedHash) -> None:
    token = _token_of(draft)
    if draft.is_new:
        token.pk = stated.row_id
    elif _hash_of(token) == stated.keyed_hash and token.hint == stated.hint:
        return
    else:
        draft.differences.append(changed_secret(draft.label))
    token.pepper_id, token.token_hash = stated.keyed_hash.pepper_id, stated.keyed_hash.digest
    token.hint = stated.hint
