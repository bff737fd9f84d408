"""Reads one trust profile as the token path knows it, enabled or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import connection

from tenants.queries.tenant_core import TRUST_PROFILE_JSON, build_trust_profile

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import TrustProfileRecord

PROFILE_SQL = f"""
SELECT {TRUST_PROFILE_JSON}::text, t.path
FROM tenants_trustprofile tp JOIN tenants_tenant t ON t.id = tp.tenant_id
WHERE tp.tenant_id = %s AND tp.id = %s
"""  # noqa: S608 - fixed texts.


def read_trust_profile(
    tenant_id: UUID, profile_id: UUID, *, base_url: str
) -> TrustProfileRecord | None:
    """Read a profile of the tenant; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(PROFILE_SQL, [tenant_id, profile_id])
        row = cursor.fetchone()
    if row is None:
        return None
    return build_trust_profile(json.loads(row[0]), f"{base_url}/t/{row[1]}")
