"""Reads and writes the hashes by which secrets travel between installations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from tenants import credentials
from tenants.configuration.secret_sources import is_known_pepper
from tenants.configuration.values import decode_bytes
from tenants.records import KeyedHash

if TYPE_CHECKING:
    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal

TYPED_PREFIX = "$argon2id$"
HINT_LENGTH = 4


@dataclass(frozen=True, slots=True)
class StatedHash:
    """The hash of a secret that a machine has made; its text names the row with this id."""

    row_id: UUID
    keyed_hash: KeyedHash
    hint: str


def is_typed(entry: Entry) -> bool:
    """Say whether an entry states the slow hash of a secret that a person typed."""
    return entry.text("hash").startswith(TYPED_PREFIX)


def read_keyed_hash(journal: Journal, entry: Entry) -> StatedHash | None:
    """Read an exported hash; None, with a mistake noted, where it is of no use here."""
    if "pepper_id" not in entry or "id" not in entry:
        text = "this hash needs the pepper_id and the id with which it was exported"
        journal.refuse(entry, text, "hash")
        return None
    if not is_known_pepper(journal, entry):
        return None
    digest = decode_bytes(entry.text("hash"))
    hint = str(entry.content.get("hint", ""))
    return StatedHash(UUID(entry.text("id")), KeyedHash(entry.text("pepper_id"), digest), hint)


def hash_machine_secret(kind: credentials.CredentialKind, text: str) -> StatedHash | None:
    """Hash the text of a credential that a machine has made; None for any other text."""
    parsed = credentials.parse_credential(kind, text)
    if parsed is None:
        return None
    return StatedHash(parsed.row_id, credentials.hash_secret(parsed.secret), text[-HINT_LENGTH:])


def is_same_secret(
    kind: credentials.CredentialKind, text: str, row_id: UUID, keyed_hash: KeyedHash
) -> bool:
    """Say whether a text is the credential of a row, under whatever pepper it was hashed."""
    parsed = credentials.parse_credential(kind, text)
    if parsed is None or parsed.row_id != row_id:
        return False
    return credentials.is_secret(parsed.secret, keyed_hash)
