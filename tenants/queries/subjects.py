"""Reads subjects as grants need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from tenants.records import SubjectRecord

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import TrustMatch

# The number is read in the same statement as the subject: a cut-off that is committed later has a
# greater one and ends what is granted here.
BY_IDENTITY_SQL = """
SELECT s.id, s.is_enabled, COALESCE((SELECT max(number) FROM tenants_cutoff), 0)
FROM tenants_subjectidentity i JOIN tenants_subject s ON s.id = i.subject_id
WHERE i.tenant_id = %s AND i.trust_profile_id = %s AND i.sub = %s
"""


def find_subject(tenant_id: UUID, match: TrustMatch) -> SubjectRecord | None:
    """Find the subject that a trust profile knows by this name; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(BY_IDENTITY_SQL, [tenant_id, match.profile_id, match.subject])
        row = cursor.fetchone()
    return SubjectRecord(*row) if row else None
