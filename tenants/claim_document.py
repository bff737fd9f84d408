"""The document that claim rules read: fields of the token record, the subject, a foreign token.

Pure; described in docs/claims.md. Null counts as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import orjson

from tenants.policy_document import Document, DocumentTooLarge, Field, copy_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON, TokenRecord

    Reader: TypeAlias = Callable[[TokenRecord], JSON]

SUBJECT: Final = "subject"
ATTRIBUTES: Final = "attributes"
FOREIGN: Final = "foreign"


class UnreadableAttributes(DocumentTooLarge):
    """Nobody knows what a subject's attributes say, so no condition may hold by their absence."""


class RecordField(NamedTuple):
    """A field of the token record that rules may read, and how; None where it is absent."""

    field: Field
    read: Reader


def _text(read: Reader, *, is_optional: bool = False) -> RecordField:
    return RecordField(Field("text", is_optional=is_optional), read)


def _number(read: Reader, *, is_optional: bool = False) -> RecordField:
    return RecordField(Field("number", is_optional=is_optional), read)


def _texts(read: Callable[[TokenRecord], list[JSON]], *, is_optional: bool = True) -> RecordField:
    field = Field("list", is_optional=is_optional, element=Field("text"))
    return RecordField(field, lambda record: read(record) or None)


def _list_roles(record: TokenRecord) -> list[JSON]:
    return [*dict.fromkeys(text for group in record.memberships for text in group.roles)]


def _list_permissions(record: TokenRecord) -> list[JSON]:
    return [*dict.fromkeys(text for group in record.memberships for text in group.permissions)]


RECORD_FIELDS: Final[Mapping[str, RecordField]] = {
    "token_id": _text(lambda record: str(record.token_id)),
    "issuer": _text(lambda record: record.issuer),
    "project_slug": _text(lambda record: record.project_slug),
    "environment_slug": _text(lambda record: record.environment_slug),
    "tenant_slug": _text(lambda record: record.tenant_slug),
    "client_id": _text(lambda record: record.client_id or None, is_optional=True),
    "grant_type": _text(lambda record: record.grant_type or None, is_optional=True),
    "session_grant_type": _text(lambda record: record.session_grant_type or None, is_optional=True),
    "audiences": _texts(lambda record: [*record.audiences]),
    "scopes": _texts(lambda record: [*record.scopes]),
    "issued_at": _number(lambda record: record.issued_at),
    "expires_at": _number(lambda record: record.expires_at),
    "subject_id": _text(lambda record: record.subject or None, is_optional=True),
    "actor": _text(lambda record: record.actor or None, is_optional=True),
    "app_tenant_id": _text(lambda record: record.app_tenant_id or None, is_optional=True),
    "app_subject_id": _text(lambda record: record.app_subject_id or None, is_optional=True),
    "usage_limit": _number(lambda record: record.usage_limit or None, is_optional=True),
    "groups": _texts(lambda record: [group.slug for group in record.memberships]),
    "roles": _texts(_list_roles),
    "permissions": _texts(_list_permissions),
    "authenticated_at": _number(lambda record: record.authenticated_at, is_optional=True),
    "acr": _text(lambda record: record.acr or None, is_optional=True),
    "amr": _texts(lambda record: [*record.amr]),
}
_OPEN: Final = Field("object", is_optional=True, is_open=True)
CLAIM_DOCUMENT: Final = Field(
    "object",
    members={
        **{name: found.field for name, found in RECORD_FIELDS.items()},
        SUBJECT: Field("object", is_optional=True, members={ATTRIBUTES: _OPEN}),
        FOREIGN: _OPEN,
    },
)


@dataclass(frozen=True, slots=True)
class ClaimInputs:
    """What claim rules may read besides the record, as the grant found it.

    `attributes` are the text of a JSON object, empty for none.
    """

    attributes: str = ""
    foreign_claims: Mapping[str, JSON] | None = None


NO_INPUTS: Final = ClaimInputs()


def make_claim_document(record: TokenRecord, inputs: ClaimInputs) -> Document:
    """Make the document of one token; its parts are built when a rule first reads them."""
    return Document(partial(_build, record, inputs), (*RECORD_FIELDS, SUBJECT, FOREIGN))


def _build(record: TokenRecord, inputs: ClaimInputs, name: str) -> JSON:
    found = RECORD_FIELDS.get(name)
    if found is not None:
        return found.read(record)
    if name == FOREIGN:
        return copy_members(inputs.foreign_claims)
    if name == SUBJECT and inputs.attributes:
        return {ATTRIBUTES: copy_members(read_attributes(inputs.attributes))}
    return None


def read_attributes(text: str) -> dict[str, JSON]:
    """Read a subject's attributes; an empty text has none.

    Raises:
        UnreadableAttributes: such as for a number that no reader can hold.
    """
    if not text:
        return {}
    try:
        attributes = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableAttributes("these attributes are no JSON") from error
    if not isinstance(attributes, dict):
        raise UnreadableAttributes("these attributes are no object")
    return attributes
