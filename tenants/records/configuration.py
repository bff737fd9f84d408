"""What a tenant's core is made of: Apis, scopes, keys, policies, claim rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants.records.compiled import indeterminate, nothing
from tenants.records.settings import SILENT, TokenSettings
from tenants.records.vocabulary import CONSTANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from tenants.policy_document import Document
    from tenants.records.vocabulary import JSON, Ciphertext, Verdict


@dataclass(frozen=True, slots=True)
class ApiRecord:
    """A protected resource server; `own_algorithms` are those of keys that only it has."""

    id: UUID
    slug: str
    audience: str
    settings: TokenSettings = SILENT
    built_in: str = ""
    is_enabled: bool = True
    signing_algorithm: str = ""
    allow_refresh_tokens: bool = True
    allow_limited_jwt: bool = False
    resource_server_ids: frozenset[UUID] = frozenset()
    own_algorithms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    """A right at an Api; by its title an application may ask for it as well."""

    id: UUID
    name: str
    api_id: UUID
    usage_limit: int = 0
    min_acr: str = ""
    is_required: bool = False
    is_emphasized: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class SigningKeyRecord:
    """One key of a ring; `public_jwk` is None for a symmetric key."""

    id: UUID
    kid: str
    algorithm: str
    state: str
    private: Ciphertext
    api_id: UUID | None = None
    public_jwk: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """An access policy; an empty link set links to everything of the tenant.

    `scopes` are names and `groups` slugs; `version` is that of the tenant with which it came. A
    limit that is None limits nothing.
    """

    id: UUID
    slug: str
    effect: str
    engine: str
    clients: frozenset[UUID] = frozenset()
    apis: frozenset[UUID] = frozenset()
    client_kinds: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    subjects: frozenset[UUID] = frozenset()
    groups: frozenset[str] = frozenset()
    trust_profiles: frozenset[UUID] = frozenset()
    operations: frozenset[str] = frozenset()
    mode: str = "enforce"
    version: int = 0
    rule: JSON = field(default=None, hash=False)
    limit_scopes: frozenset[str] | None = None
    limit_lifetime_seconds: int | None = None
    limit_audiences: frozenset[str] | None = None
    evaluate: Callable[[Document], Verdict] = field(
        default=indeterminate, compare=False, repr=False
    )


@dataclass(frozen=True, slots=True)
class ClaimProfileRecord:
    """A tenant's variant of a built-in claim profile."""

    slug: str
    base: str
    is_dual: bool = False
    group_claims_budget_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimRuleRecord:
    """A claim that is added where its links match and its condition holds.

    `read` is the value compiled, for every source but a constant, and answers None where there is
    none; `holds` is the condition compiled, asked only where there is one. `attributes` and
    `foreign_claims` name what the two read of the subject and of an outside token.
    """

    id: UUID
    claim: str
    value: JSON = field(hash=False)
    api_id: UUID | None = None
    client_id: UUID | None = None
    grant_type: str = ""
    slug: str = ""
    source: str = CONSTANT
    condition: JSON = field(default=None, hash=False)
    is_required: bool = False
    read: Callable[[Document], JSON] = field(default=nothing, compare=False, repr=False)
    holds: Callable[[Document], Verdict] = field(default=indeterminate, compare=False, repr=False)
    attributes: frozenset[str] = frozenset()
    foreign_claims: frozenset[str] = frozenset()
