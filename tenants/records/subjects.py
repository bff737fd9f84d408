"""End users and their groups, as a grant reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """Something that a group gives its members a privilege at; what is not known is empty."""

    id: str
    name: str = ""
    external_id: str = ""
    privilege: str = ""
    type_id: str = ""
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """A group of an end user, as claims tell it; attributes are names with values."""

    id: UUID
    slug: str
    name: str = ""
    permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    resources: tuple[ResourceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """An end user as a grant read it: cut-off number and groups come of the same statement.

    `groups` are slugs, None where nobody has read them; `memberships` tell of the same groups.
    `attributes` are the text of a JSON object, empty for none: claim rules parse it if they must.
    `standard_claims` are the text of one as well, read only where an ID token tells of them.
    """

    id: UUID
    is_enabled: bool
    cut_off_number: int
    groups: tuple[str, ...] | None = None
    memberships: tuple[MembershipRecord, ...] = ()
    attributes: str = field(default="", repr=False)
    standard_claims: str = field(default="", repr=False)
