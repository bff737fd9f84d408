"""Reads subjects as grants need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from tenants.records import MembershipRecord, ResourceRecord, SubjectRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tenants.records import TrustMatch


def groups_of(subject: str) -> str:
    """Write the array of the slugs of a subject's groups; empty where there is no subject."""
    return f"""ARRAY(SELECT g.slug FROM tenants_group_subjects m
    JOIN tenants_group g ON g.id = m.group_id WHERE m.subject_id = {subject} ORDER BY g.slug)"""  # noqa: S608 - fixed texts.


def attributes_of(subject: str) -> str:
    """Write the attributes of a subject as a JSON text; empty where there are none."""
    return f"COALESCE(NULLIF({subject}.attributes, '{{}}'::jsonb)::text, '')"


def standard_claims_of(subject: str) -> str:
    """Write the standard claims of a subject as a JSON text. Source: OIDC Core section 5.1.

    What the columns know wins over attributes of the same name.
    """
    return f"""({subject}.attributes || jsonb_strip_nulls(jsonb_build_object(
      'name', NULLIF({subject}.name, ''), 'email', NULLIF({subject}.email, ''),
      'email_verified', {subject}.is_email_verified AND {subject}.email <> '',
      'updated_at', floor(extract(epoch FROM {subject}.updated_at))::bigint)))::text"""


def memberships_of(subject: str) -> str:
    """Write the groups of a subject as a JSON text, by slug; empty where there is no subject."""
    return f"""COALESCE((SELECT json_agg(json_build_array(g.id, g.slug, g.name, g.permissions,
      g.roles, g.attributes, g.resources)
    ORDER BY g.slug) FROM tenants_group_subjects m JOIN tenants_group g ON g.id = m.group_id
    WHERE m.subject_id = {subject})::text, '[]')"""  # noqa: S608 - fixed texts.


def read_memberships(text: str | None) -> tuple[MembershipRecord, ...]:
    """Read what `memberships_of` has written; permissions and roles are texts."""
    if not text or text == "[]":
        return ()
    return tuple(
        MembershipRecord(
            UUID(group_id),
            slug,
            name,
            _texts(permissions),
            _texts(roles),
            tuple([(attribute["name"], attribute["value"]) for attribute in attributes]),
            tuple([_build_resource(resource) for resource in resources]),
        )
        for group_id, slug, name, permissions, roles, attributes, resources in json.loads(text)
    )


def _build_resource(resource: Mapping[str, Any]) -> ResourceRecord:
    """Build what the model's validator has let through."""
    kind = resource.get("resource_type", {})
    return ResourceRecord(
        resource["id"],
        resource.get("name", ""),
        resource.get("external_id", ""),
        resource.get("privilege", ""),
        kind.get("id", ""),
        kind.get("name", ""),
    )


def _texts(permissions: object) -> tuple[str, ...]:
    listed = permissions if isinstance(permissions, list) else []
    return tuple(text for text in listed if isinstance(text, str))


# The number is read in the same statement as the subject: a cut-off that is committed later has a
# greater one and ends what is granted here.
BY_IDENTITY_SQL = f"""
SELECT s.id, s.is_enabled, COALESCE((SELECT max(number) FROM tenants_cutoff), 0),
  {memberships_of("s.id")}, {attributes_of("s")}
FROM tenants_subjectidentity i JOIN tenants_subject s ON s.id = i.subject_id
WHERE i.tenant_id = %s AND i.trust_profile_id = %s AND i.sub = %s
"""  # noqa: S608 - fixed texts.
BY_IDS_SQL = f"""
SELECT s.id, s.is_enabled, 0, {memberships_of("s.id")}, {attributes_of("s")}
FROM tenants_subject s WHERE s.tenant_id = %s AND s.id = ANY (%s)
"""  # noqa: S608 - fixed texts.


def find_subject(tenant_id: UUID, match: TrustMatch) -> SubjectRecord | None:
    """Find the subject that a trust profile knows by this name; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(BY_IDENTITY_SQL, [tenant_id, match.profile_id, match.subject])
        row = cursor.fetchone()
    return _build(row) if row else None


def find_subjects(tenant_id: UUID, ids: Collection[UUID]) -> dict[UUID, SubjectRecord]:
    """Find subjects of the tenant by id; one statement, and none where none is asked for.

    No session begins by this, so they carry no cut-off number.
    """
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(BY_IDS_SQL, [tenant_id, list(ids)])
        rows = cursor.fetchall()
    return {row[0]: _build(row) for row in rows}


def _build(row: tuple[UUID, bool, int, str, str]) -> SubjectRecord:
    subject_id, is_enabled, cut_off_number, text, attributes = row
    memberships = read_memberships(text)
    slugs = tuple(membership.slug for membership in memberships)
    return SubjectRecord(subject_id, is_enabled, cut_off_number, slugs, memberships, attributes)
