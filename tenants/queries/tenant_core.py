"""Reads a tenant's whole core in one statement, so that it is of one moment."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from tenants.claim_patterns import compile_claims
from tenants.claim_rules import compile_claim_rule
from tenants.models.fields import SETTINGS_FIELDS
from tenants.models.request_limits import LIMIT_FIELDS
from tenants.policy_engines import compile_rule
from tenants.queries.interactive import (
    build_branding,
    build_registration,
    build_sign_in,
    build_upstream,
)
from tenants.records import (
    CONSTANT,
    ApiRecord,
    Ciphertext,
    ClaimProfileRecord,
    ClaimRuleRecord,
    PolicyRecord,
    RequestLimits,
    ScopeRecord,
    SigningKeyRecord,
    TenantSnapshot,
    TokenSettings,
    TrustProfileRecord,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    # One row as PostgreSQL's JSON functions write it; its shape is the statement's below.
    Row = Mapping[str, Any]

# What a trust profile is built of; `tp` is its row.
TRUST_PROFILE_JSON = """json_build_object('profile', tp, 'scopes', ARRAY(
      SELECT s.name FROM tenants_trustprofile_maximum_scopes m
      JOIN tenants_scope s ON s.id = m.scope_id WHERE m.trustprofile_id = tp.id),
      'direct_apis', ARRAY(
        SELECT api_id FROM tenants_trustprofile_direct_apis WHERE trustprofile_id = tp.id))"""
CORE_SQL = f"""
SELECT json_build_object(
  'tenant', row_to_json(t), 'environment', row_to_json(e), 'platform', row_to_json(p),
  'project_slug', (SELECT slug FROM tenants_project WHERE id = e.project_id),
  'apis', (SELECT json_agg(json_build_object('api', a, 'clients', ARRAY(
      SELECT client_id FROM tenants_api_resource_server_clients WHERE api_id = a.id)))
    FROM tenants_api a WHERE a.tenant_id = t.id),
  'scopes', (SELECT json_agg(s) FROM tenants_scope s WHERE s.tenant_id = t.id),
  'keys', (SELECT json_agg(k ORDER BY k.created_at) FROM tenants_signingkey k
    WHERE k.tenant_id = t.id AND k.state <> 'retired'),
  'policies', (SELECT json_agg(json_build_object('policy', ap, 'clients', ARRAY(
      SELECT client_id FROM tenants_accesspolicy_clients WHERE accesspolicy_id = ap.id),
      'apis', ARRAY(SELECT api_id FROM tenants_accesspolicy_apis WHERE accesspolicy_id = ap.id),
      'scopes', ARRAY(SELECT s.name FROM tenants_accesspolicy_scopes l
        JOIN tenants_scope s ON s.id = l.scope_id WHERE l.accesspolicy_id = ap.id),
      'subjects', ARRAY(
        SELECT subject_id FROM tenants_accesspolicy_subjects WHERE accesspolicy_id = ap.id),
      'groups', ARRAY(SELECT g.slug FROM tenants_accesspolicy_groups l
        JOIN tenants_group g ON g.id = l.group_id WHERE l.accesspolicy_id = ap.id),
      'trust_profiles', ARRAY(SELECT trustprofile_id FROM tenants_accesspolicy_trust_profiles
        WHERE accesspolicy_id = ap.id)
    ) ORDER BY ap.slug) FROM tenants_accesspolicy ap
    WHERE ap.tenant_id = t.id AND ap.is_enabled),
  'trust_profiles', (SELECT json_agg({TRUST_PROFILE_JSON} ORDER BY tp.id)
    FROM tenants_trustprofile tp WHERE tp.tenant_id = t.id AND tp.is_enabled),
  'claim_profiles', (SELECT json_agg(c) FROM tenants_claimprofile c WHERE c.tenant_id = t.id),
  'claim_rules', (SELECT json_agg(r ORDER BY r.slug) FROM tenants_claimrule r
    WHERE r.tenant_id = t.id)
)::text
FROM tenants_tenant t
JOIN tenants_environment e ON e.id = t.environment_id
CROSS JOIN tenants_platform p
WHERE t.path = %s
"""  # noqa: S608 - fixed texts.


def read_core(path: str, *, base_url: str) -> TenantSnapshot | None:
    """Read the core of the tenant with this issuer path; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(CORE_SQL, [path])
        row = cursor.fetchone()
    return build_core(json.loads(row[0]), base_url=base_url) if row else None


def build_core(document: Row, *, base_url: str) -> TenantSnapshot:
    """Build the immutable core from the statement's document."""
    tenant, environment, platform = (document[k] for k in ("tenant", "environment", "platform"))
    keys = tuple(_build_key(row) for row in document["keys"] or ())
    apis = [_build_api(row, keys) for row in document["apis"] or ()]
    scopes = [_build_scope(row) for row in document["scopes"] or ()]
    profiles = [_build_claim_profile(row) for row in document["claim_profiles"] or ()]
    return TenantSnapshot(
        id=UUID(tenant["id"]),
        path=tenant["path"],
        issuer=f"{base_url}/t/{tenant['path']}",
        slug=tenant["slug"],
        project_slug=document["project_slug"],
        environment_id=UUID(environment["id"]),
        environment_slug=environment["slug"],
        platform_version=platform["version"],
        environment_version=environment["version"],
        version=tenant["version"],
        is_enabled=tenant["is_enabled"],
        signing_algorithm=tenant["signing_algorithm"],
        scope_excess=tenant["scope_excess"],
        levels=tuple(build_settings(level) for level in (platform, environment, tenant)),
        allowed_grant_types=frozenset(environment["allowed_grant_types"]),
        allowed_algorithms=frozenset(environment["allowed_signing_algorithms"]),
        apis=MappingProxyType({api.id: api for api in apis}),
        apis_by_audience=MappingProxyType({api.audience: api for api in apis}),
        apis_by_slug=MappingProxyType({api.slug: api for api in apis}),
        scopes=MappingProxyType({scope.name: scope for scope in scopes}),
        keys=keys,
        policies=tuple(build_policy(row, tenant["version"]) for row in document["policies"] or ()),
        trust_profiles=tuple(
            build_trust_profile(row, f"{base_url}/t/{tenant['path']}")
            for row in document["trust_profiles"] or ()
        ),
        claim_profiles=MappingProxyType({profile.slug: profile for profile in profiles}),
        claim_rules=tuple(_build_claim_rule(row) for row in document["claim_rules"] or ()),
        issuer_override=tenant["issuer_override"] or "",
        allow_typed_secrets=tenant["allow_typed_secrets"],
        allow_json_token_requests=tenant["allow_json_token_requests"],
        allow_spaceblocks_alias=tenant["allow_spaceblocks_alias"],
        allow_aidbox_alias=tenant["allow_aidbox_alias"],
        limit_levels=tuple(build_limits(level) for level in (platform, environment, tenant)),
        sign_in=build_sign_in(tenant),
        branding=build_branding(tenant),
        registration=build_registration(tenant),
        pairwise_salt=read_bytes(tenant.get("pairwise_salt")),
    )


def build_settings(row: Row) -> TokenSettings:
    """Build the token settings of one level; an empty text says nothing, like null."""
    values = {name: row[name] or None for name in SETTINGS_FIELDS}
    return TokenSettings(**values, refresh_token_enabled=row.get("refresh_token_enabled"))


def build_limits(row: Row) -> RequestLimits:
    """Build the limits of one level; a state of before there were limits says nothing."""
    return RequestLimits(**{name: row.get(name) for name in LIMIT_FIELDS})


def read_bytes(text: str | None) -> bytes:
    """Read a bytea as PostgreSQL writes it into JSON: two signs, then hex digits."""
    return bytes.fromhex(text[2:]) if text else b""


def optional_id(text: str | None) -> UUID | None:
    """Read an identifier that may be null."""
    return UUID(text) if text else None


def _build_api(row: Row, keys: tuple[SigningKeyRecord, ...]) -> ApiRecord:
    api = row["api"]
    api_id = UUID(api["id"])
    return ApiRecord(
        id=api_id,
        slug=api["slug"],
        audience=api["audience"],
        settings=build_settings(api),
        built_in=api["built_in"],
        is_enabled=api["is_enabled"],
        signing_algorithm=api["signing_algorithm"],
        allow_refresh_tokens=api["allow_refresh_tokens"],
        allow_limited_jwt=api["allow_limited_jwt"],
        resource_server_ids=frozenset(UUID(client) for client in row["clients"]),
        own_algorithms=frozenset(key.algorithm for key in keys if key.api_id == api_id),
    )


def _build_scope(row: Row) -> ScopeRecord:
    return ScopeRecord(
        UUID(row["id"]),
        row["name"],
        UUID(row["api_id"]),
        row["usage_limit"],
        min_acr=row.get("min_acr", ""),  # States of older versions say nothing of it.
        is_required=row.get("is_required", False),
        is_emphasized=row.get("emphasized", False),
        title=row["title"],
    )


def _build_key(row: Row) -> SigningKeyRecord:
    return SigningKeyRecord(
        id=UUID(row["id"]),
        kid=row["kid"],
        algorithm=row["algorithm"],
        state=row["state"],
        private=Ciphertext(row["kek_id"], read_bytes(row["private_ciphertext"])),
        api_id=optional_id(row["api_id"]),
        public_jwk=row["public_jwk"],
    )


def build_policy(row: Row, version: int) -> PolicyRecord:
    """Build a policy with its rule compiled, once for every request.

    `version` is that of its tenant.
    """
    policy = row["policy"]
    engine, rule = policy["engine"], policy["rule"]
    return PolicyRecord(
        id=UUID(policy["id"]),
        slug=policy["slug"],
        effect=policy["effect"],
        engine=engine,
        clients=frozenset(UUID(client) for client in row["clients"]),
        apis=frozenset(UUID(api) for api in row["apis"]),
        client_kinds=frozenset(policy["client_kinds"]),
        scopes=frozenset(row["scopes"]),
        subjects=frozenset(UUID(subject) for subject in row["subjects"]),
        groups=frozenset(row["groups"]),
        trust_profiles=frozenset(UUID(profile) for profile in row["trust_profiles"]),
        operations=frozenset(policy["operations"]),
        mode=policy["mode"],
        version=version,
        rule=rule,
        limit_scopes=_optional_names(policy["limit_scopes"]),
        limit_lifetime_seconds=policy["limit_lifetime_seconds"],
        limit_audiences=_optional_names(policy["limit_audiences"]),
        evaluate=compile_rule(engine, rule),
    )


def _optional_names(names: list[str] | None) -> frozenset[str] | None:
    """Read a limit: without a list there is none, while an empty list leaves nothing."""
    return None if names is None else frozenset(names)


def build_trust_profile(row: Row, issuer: str) -> TrustProfileRecord:
    """Build a trust profile with its pattern compiled; `issuer` is its tenant's own."""
    profile = row["profile"]
    required = profile["required_claims"] or None
    return TrustProfileRecord(
        id=UUID(profile["id"]),
        slug=profile["slug"],
        issuer=profile["issuer"],
        audience=profile["audience"] or issuer,
        algorithms=frozenset(profile["algorithms"]),
        jwks_uri=profile["jwks_uri"],
        jwks=tuple(profile["jwks"]),
        shared_secret=_optional_secret(profile["kek_id"], profile["shared_secret_ciphertext"]),
        maximum_scope=frozenset(row["scopes"]),
        scope_claim=profile["scope_claim"],
        maximum_age_seconds=profile["maximum_age_seconds"],
        clock_skew_seconds=profile["clock_skew_seconds"],
        subject_claim=profile["subject_claim"],
        provisioning=profile["provisioning"],
        kind=profile["kind"],
        introspection_endpoint=profile["introspection_endpoint"],
        introspection_client_id=profile["introspection_client_id"],
        introspection_secret=_optional_secret(
            profile["introspection_kek_id"], profile["introspection_secret_ciphertext"]
        ),
        token_prefix=profile["token_prefix"],
        scope_mapping=MappingProxyType(
            {name: frozenset(ours) for name, ours in profile["scope_mapping"].items()}
        ),
        required_claims=required,
        claims_hold=compile_claims(required),
        maximum_lifetime_seconds=profile["maximum_lifetime_seconds"],
        max_subjects_per_day=profile["max_subjects_per_day"],
        linking_claim=profile["linking_claim"],
        linking_verified_claim=profile["linking_verified_claim"],
        is_accepted_directly=profile["is_accepted_directly"],
        direct_api_ids=frozenset(UUID(api) for api in row["direct_apis"]),
        tenant_id=UUID(profile["tenant_id"]),
        upstream=build_upstream(profile),
    )


def _optional_secret(kek_id: str, text: str | None) -> Ciphertext | None:
    blob = read_bytes(text)
    return Ciphertext(kek_id, blob) if blob else None


def _build_claim_profile(row: Row) -> ClaimProfileRecord:
    budget = row.get("group_claims_budget_bytes")  # States of older versions have none.
    return ClaimProfileRecord(row["slug"], row["base"], row["is_dual"], budget)


def _build_claim_rule(row: Row) -> ClaimRuleRecord:
    """Build a rule with its value and condition compiled; older versions had constants only."""
    rule = ClaimRuleRecord(
        id=UUID(row["id"]),
        claim=row["claim"],
        value=row["value"],
        api_id=optional_id(row["api_id"]),
        client_id=optional_id(row["client_id"]),
        grant_type=row["grant_type"],
        slug=row["slug"],
        source=row.get("source", CONSTANT),
        condition=row.get("condition") or None,
        is_required=row.get("is_required", False),
    )
    return compile_claim_rule(rule)
