"""Reads end users with what is known about them; each function is one statement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.db import connection

from tenants.models import Subject
from tenants.queries.subjects import groups_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from tenants.records import JSON

# A row's types are the statement's business; whoever reads it names them at once.
Row: TypeAlias = tuple[Any, ...]
_COLUMNS: Final = f"""
SELECT s.id, s.external_id, s.name, s.email, s.is_email_verified, s.attributes::text, s.is_enabled,
  s.created_at, s.erased_at, {groups_of("s.id")}
FROM tenants_subject s
WHERE s.tenant_id = %(tenant_id)s"""  # noqa: S608 - fixed texts.
_IN_GROUPS: Final = """
 AND EXISTS (SELECT 1 FROM tenants_group_subjects m JOIN tenants_group g ON g.id = m.group_id
   WHERE m.subject_id = s.id AND g.slug = ANY (%(groups)s))"""


@dataclass(frozen=True, slots=True)
class SubjectDetails:
    """An end user with profile, attributes and the slugs of the groups."""

    id: UUID
    external_id: str | None
    name: str
    email: str
    is_email_verified: bool
    attributes: Mapping[str, JSON]
    is_enabled: bool
    created_at: datetime
    erased_at: datetime | None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectFilter:
    """Which users a list shows; what is empty restricts nothing."""

    groups: Collection[str] = ()
    external_id: str = ""
    email: str = ""
    is_enabled: bool | None = None


EVERYBODY: Final = SubjectFilter()


def find_details(
    tenant_id: UUID, subject_id: UUID, groups: Collection[str] = ()
) -> SubjectDetails | None:
    """Find a user of the tenant who is in one of the groups, where some are named."""
    sql = f"{_COLUMNS} AND s.id = %(id)s{_IN_GROUPS if groups else ''}"
    rows = _read(sql, {"tenant_id": tenant_id, "id": subject_id, "groups": list(groups)})
    return rows[0] if rows else None


def list_details(
    tenant_id: UUID, wanted: SubjectFilter, *, after: UUID | None, limit: int
) -> list[SubjectDetails]:
    """List users who are not erased in the order of their ids, those behind `after`."""
    conditions = [
        " AND s.erased_at IS NULL",
        _IN_GROUPS if wanted.groups else "",
        " AND s.external_id = %(external_id)s" if wanted.external_id else "",
        " AND s.email = %(email)s" if wanted.email else "",
        " AND s.is_enabled = %(is_enabled)s" if wanted.is_enabled is not None else "",
        " AND s.id > %(after)s" if after else "",
    ]
    sql = f"{_COLUMNS}{''.join(conditions)} ORDER BY s.id LIMIT %(limit)s"
    parameters: dict[str, Any] = {
        "tenant_id": tenant_id,
        "groups": list(wanted.groups),
        "external_id": wanted.external_id,
        "email": wanted.email,
        "is_enabled": wanted.is_enabled,
        "after": after,
        "limit": limit,
    }
    return _read(sql, parameters)


def is_external_id_taken(tenant_id: UUID, external_id: str) -> bool:
    """Say whether a user of the tenant has this external id."""
    return Subject.objects.filter(tenant=tenant_id, external_id=external_id).exists()


def _read(sql: str, parameters: Mapping[str, Any]) -> list[SubjectDetails]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [_build(row) for row in cursor.fetchall()]


def _build(row: Row) -> SubjectDetails:
    subject_id, external_id, name, email, is_verified, attributes, is_enabled, *rest = row
    created_at, erased_at, groups = rest
    return SubjectDetails(
        id=subject_id,
        external_id=external_id,
        name=name,
        email=email,
        is_email_verified=is_verified,
        attributes=json.loads(attributes),
        is_enabled=is_enabled,
        created_at=created_at,
        erased_at=erased_at,
        groups=tuple(groups),
    )
