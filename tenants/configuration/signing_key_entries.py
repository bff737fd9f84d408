"""Adds signing keys that are missing, and lets known ones only grow older.

The life of a key belongs to its rotation: a file that was exported before one must neither bring
a replaced key back nor take one away under which tokens are still verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from tenants import credentials, models
from tenants.configuration.kinds import SIGNING_KEY
from tenants.configuration.secret_sources import is_known_encryption_key
from tenants.configuration.stored import find_stored, new_entity
from tenants.configuration.values import decode_bytes
from tenants.configuration.writing import Draft, bring
from tenants.errors import InvalidCiphertext
from tenants.records import Ciphertext
from tenants.services.signing_keys import encryption_context

if TYPE_CHECKING:
    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal
    from tenants.configuration.names import Names

State = models.SigningKey.State
AGES = (State.NEXT, State.CURRENT, State.PREVIOUS, State.RETIRED)


def bring_signing_keys(
    journal: Journal, entry: Entry, tenant: models.Tenant, label: str, names: Names
) -> None:
    """Bring a tenant's keys to what its entry says, the oldest first: a ring has one current."""
    stored = find_stored(SIGNING_KEY, tenant)
    for child in sorted(entry.entries("signing_keys"), key=_age, reverse=True):
        kid = child.text("kid")
        key = cast("models.SigningKey | None", stored.get(kid))
        is_old = key is not None and AGES.index(State(key.state)) >= _age(child)
        if not is_old and _is_usable(journal, child):
            entity = key or new_entity(SIGNING_KEY, tenant)
            bring(Draft(journal, child, SIGNING_KEY, entity, f"{label}.signing_keys[{kid}]", names))


def _age(entry: Entry) -> int:
    return AGES.index(State(entry.text("state")))


def _is_usable(journal: Journal, entry: Entry) -> bool:
    """Say whether this installation can sign with a key; where not, note the mistake."""
    if entry.text("state") == State.RETIRED:
        journal.refuse(entry, "a retired key has no private part; leave it out", "state")
        return False
    if not is_known_encryption_key(journal, entry):
        return False
    blob = decode_bytes(entry.text("private_ciphertext"))
    context = encryption_context(UUID(entry.text("id")))
    try:
        credentials.decrypt(Ciphertext(entry.text("kek_id"), blob), context=context)
    except InvalidCiphertext:
        text = "this can't be decrypted; it belongs to the id with which it was exported"
        journal.refuse(entry, text, "private_ciphertext")
        return False
    return True
