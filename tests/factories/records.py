"""Makes the records that cross the steps of a token request, valid and as plain as can be."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

from tenants.claim_rules import compile_claim_rule
from tenants.policy_engines import compile_rule
from tenants.records import (
    AccessRequest,
    ApiRecord,
    Ciphertext,
    ClaimRuleRecord,
    ClientRecord,
    GrantType,
    KeyState,
    PolicyRecord,
    ScopeRecord,
    SigningKeyRecord,
    SubjectRecord,
    TenantSnapshot,
    TokenRecord,
    TokenSettings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenants.records import JSON

# A factory's changes are fields of its record; their types are the record's own.
Changes: TypeAlias = Any
TOKEN_ID = UUID("0197d8a0-0000-7000-8000-000000000001")


def make_api(slug: str = "profile", **changes: Changes) -> ApiRecord:
    """Make an enabled Api whose audience is a URL made of its slug."""
    values = {"id": uuid4(), "slug": slug, "audience": f"https://{slug}.example/"}
    return ApiRecord(**{**values, **changes})


def make_scope(api: ApiRecord, name: str = "read", **changes: Changes) -> ScopeRecord:
    """Make a scope of an Api."""
    return ScopeRecord(**{"id": uuid4(), "name": name, "api_id": api.id, **changes})


def make_client(*scopes: ScopeRecord, **changes: Changes) -> ClientRecord:
    """Make a service that may use client_credentials and has these scopes."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "client_id": "api-client",
        "kind": "service",
        "version": 4,
        "grant_types": frozenset({GrantType.CLIENT_CREDENTIALS, GrantType.REFRESH_TOKEN}),
        "authentication_method": "client_secret_basic",
        "scope_ids": frozenset(scope.id for scope in scopes),
    }
    return ClientRecord(**{**values, **changes})


def make_policy(slug: str = "allow-all", **changes: Changes) -> PolicyRecord:
    """Make a policy that allows everything, or compile the rule that it is given."""
    values = {"id": uuid4(), "slug": slug, "effect": "allow", "engine": "allow", **changes}
    evaluate = compile_rule(values["engine"], values.get("rule"))
    return PolicyRecord(**{"evaluate": evaluate, **values})


def make_claim_rule(
    claim: str = "region", value: JSON = "eu", **changes: Changes
) -> ClaimRuleRecord:
    """Make a claim rule, a constant if nothing else is said, and compile it."""
    values = {"id": uuid4(), "claim": claim, "value": value, **changes}
    return compile_claim_rule(ClaimRuleRecord(**values))


def make_signing_key(algorithm: str = "ES256", **changes: Changes) -> SigningKeyRecord:
    """Make a current key; its private part is no real ciphertext."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "kid": f"{algorithm}-current",
        "algorithm": algorithm,
        "state": KeyState.CURRENT,
        "private": Ciphertext("kek", b"sealed"),
    }
    return SigningKeyRecord(**{**values, **changes})


def make_tenant(
    apis: Sequence[ApiRecord] = (), scopes: Sequence[ScopeRecord] = (), **changes: Changes
) -> TenantSnapshot:
    """Make an enabled tenant with these Apis and scopes, a key, and a policy that allows all."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "path": "acme/production/globex",
        "issuer": "https://auth.example/t/acme/production/globex",
        "slug": "globex",
        "project_slug": "acme",
        "environment_id": uuid4(),
        "environment_slug": "production",
        "platform_version": 1,
        "environment_version": 2,
        "version": 3,
        "is_enabled": True,
        "signing_algorithm": "ES256",
        "scope_excess": "reject",
        "levels": (TokenSettings(), TokenSettings(), TokenSettings()),
        "allowed_grant_types": frozenset(),
        "allowed_algorithms": frozenset(),
        "apis": MappingProxyType({api.id: api for api in apis}),
        "apis_by_audience": MappingProxyType({api.audience: api for api in apis}),
        "apis_by_slug": MappingProxyType({api.slug: api for api in apis}),
        "scopes": MappingProxyType({scope.name: scope for scope in scopes}),
        "keys": (make_signing_key(),),
        "policies": (make_policy(),),
    }
    return TenantSnapshot(**{**values, **changes})


def make_subject(**changes: Changes) -> SubjectRecord:
    """Make an enabled end user."""
    return SubjectRecord(**{"id": uuid4(), "is_enabled": True, "cut_off_number": 0, **changes})


def make_request(client: ClientRecord, *scopes: str, **changes: Changes) -> AccessRequest:
    """Make a client_credentials request for these scopes."""
    values: dict[str, Any] = {
        "grant_type": GrantType.CLIENT_CREDENTIALS,
        "client": client,
        "requested_scopes": scopes or None,
    }
    return AccessRequest(**{**values, **changes})


def make_token_record(**changes: Changes) -> TokenRecord:
    """Make the record of a token that a client asked for itself."""
    values: dict[str, Any] = {
        "token_id": TOKEN_ID,
        "issuer": "https://auth.example/t/acme/production/globex",
        "project_slug": "acme",
        "environment_slug": "production",
        "tenant_slug": "globex",
        "client_id": "api-client",
        "audiences": ("https://profile.example/",),
        "scopes": ("read",),
        "issued_at": 1_700_000_000,
        "expires_at": 1_700_003_600,
    }
    return TokenRecord(**{**values, **changes})
