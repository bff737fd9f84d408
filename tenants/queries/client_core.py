"""Reads one client with its secrets and settings in one statement."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from tenants.claim_patterns import compile_claims
from tenants.impersonation import build_right
from tenants.queries.interactive import build_interactive
from tenants.queries.tenant_core import build_limits, build_settings, read_bytes
from tenants.records import ClientRecord, ClientSecretRecord, KeyedHash, WorkloadIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import ImpersonationRight

    Row = Mapping[str, Any]

CLIENT_SQL = """
SELECT json_build_object(
  'client', row_to_json(c),
  'secrets', (SELECT json_agg(s ORDER BY s.created_at DESC) FROM tenants_clientsecret s
    WHERE s.client_id = c.id),
  'scopes', ARRAY(SELECT scope_id FROM tenants_client_scopes WHERE client_id = c.id),
  'default_scopes', ARRAY(
    SELECT scope_id FROM tenants_client_default_scopes WHERE client_id = c.id),
  'impersonation_scopes', ARRAY(
    SELECT scope_id FROM tenants_client_impersonation_scopes WHERE client_id = c.id),
  'sign_in_profiles', ARRAY(
    SELECT trustprofile_id FROM tenants_client_sign_in_profiles WHERE client_id = c.id),
  'excluded_sign_in_profiles', ARRAY(
    SELECT trustprofile_id FROM tenants_client_excluded_sign_in_profiles WHERE client_id = c.id),
  'grants', (SELECT json_agg(g) FROM tenants_clientgrantsettings g WHERE g.client_id = c.id)
)::text
FROM tenants_client c
WHERE c.tenant_id = %s AND c.client_id = %s
"""


def read_client(tenant_id: UUID, client_id: str) -> ClientRecord | None:
    """Read the tenant's client of this id; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(CLIENT_SQL, [tenant_id, client_id])
        row = cursor.fetchone()
    return build_client(json.loads(row[0])) if row else None


def build_client(document: Row) -> ClientRecord:
    """Build the immutable client from the statement's document."""
    client = document["client"]
    return ClientRecord(
        id=UUID(client["id"]),
        client_id=client["client_id"],
        kind=client["kind"],
        version=client["version"],
        grant_types=frozenset(client["grant_types"]),
        authentication_method=client["token_endpoint_auth_method"],
        is_enabled=client["is_enabled"],
        secrets=tuple(_build_secret(row) for row in document["secrets"] or ()),
        jwks=tuple(client["jwks"]),
        jwks_uri=client["jwks_uri"],
        scope_ids=frozenset(UUID(scope) for scope in document["scopes"]),
        default_scope_ids=frozenset(UUID(scope) for scope in document["default_scopes"]),
        allowed_origins=frozenset(client["cors_allowed_origins"]),
        settings=build_settings(client),
        grant_settings={g["grant_type"]: build_settings(g) for g in document["grants"] or ()},
        group_claims=client["group_claims"],
        limits=build_limits(client),
        impersonation=_build_impersonation(document) if client["may_impersonate"] else None,
        workload=_build_workload(client) if client["workload_trust_profile_id"] else None,
        interactive=build_interactive(document),
    )


def _build_workload(client: Row) -> WorkloadIdentity:
    claims = client["workload_claims"] or None
    return WorkloadIdentity(
        trust_profile_id=UUID(client["workload_trust_profile_id"]),
        subject=client["workload_subject"],
        claims=claims,
        claims_hold=compile_claims(claims),
    )


def _build_impersonation(document: Row) -> ImpersonationRight:
    client = document["client"]
    return build_right(
        tenants=client["impersonated_tenants"],
        subjects=client["impersonated_subjects"],
        scope_ids=frozenset(UUID(scope) for scope in document["impersonation_scopes"]),
        max_lifetime_seconds=client["max_impersonated_token_lifetime_seconds"],
    )


def _build_secret(row: Row) -> ClientSecretRecord:
    digest = read_bytes(row["secret_hash"])
    return ClientSecretRecord(
        id=UUID(row["id"]),
        keyed_hash=KeyedHash(row["pepper_id"], digest) if digest else None,
        typed_hash=row["typed_secret_hash"],
        expires_at=_seconds(row["expires_at"]),
    )


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
