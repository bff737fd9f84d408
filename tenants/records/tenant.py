"""The immutable, numbered core of a tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tenants.policy_links import index_policies
from tenants.records.sign_in import (
    NO_REGISTRATION,
    PLAIN,
    SIGN_IN,
    BrandingRecord,
    RegistrationRules,
    SignInRules,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.policy_links import PolicyIndex
    from tenants.records.configuration import (
        ApiRecord,
        ClaimProfileRecord,
        ClaimRuleRecord,
        PolicyRecord,
        ScopeRecord,
        SigningKeyRecord,
    )
    from tenants.records.settings import RequestLimits, TokenSettings
    from tenants.records.trust import TrustProfileRecord


@dataclass(frozen=True, slots=True)
class TenantSnapshot:
    """The immutable, numbered core of a tenant's configuration.

    Whatever was found out by it can be remembered with its `mark`, which no other one has.
    """

    id: UUID
    path: str
    issuer: str
    slug: str
    project_slug: str
    environment_id: UUID
    environment_slug: str
    platform_version: int
    environment_version: int
    version: int
    is_enabled: bool
    signing_algorithm: str
    scope_excess: Literal["reject", "narrow"]
    levels: tuple[TokenSettings, ...]
    allowed_grant_types: frozenset[str]
    allowed_algorithms: frozenset[str]
    apis: Mapping[UUID, ApiRecord]
    apis_by_audience: Mapping[str, ApiRecord]
    apis_by_slug: Mapping[str, ApiRecord]
    scopes: Mapping[str, ScopeRecord]
    keys: tuple[SigningKeyRecord, ...]
    policies: tuple[PolicyRecord, ...]
    trust_profiles: tuple[TrustProfileRecord, ...] = ()
    claim_profiles: Mapping[str, ClaimProfileRecord] = field(default_factory=dict)
    claim_rules: tuple[ClaimRuleRecord, ...] = ()
    issuer_override: str = ""
    allow_typed_secrets: bool = False
    allow_json_token_requests: bool = False
    allow_spaceblocks_alias: bool = False
    allow_aidbox_alias: bool = False
    limit_levels: tuple[RequestLimits, ...] = ()
    sign_in: SignInRules = SIGN_IN
    branding: BrandingRecord = PLAIN
    registration: RegistrationRules = NO_REGISTRATION
    pairwise_salt: bytes = field(default=b"", repr=False)
    policy_index: PolicyIndex = field(init=False, repr=False, compare=False)
    mark: object = field(init=False, repr=False, compare=False)
    reads_claim_inputs: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """File the policies by their links, so that a request meets only those that concern it.

        Where no claim rule reads a subject's attributes or foreign claims, nobody fetches them.
        """
        object.__setattr__(self, "policy_index", index_policies(self.policies))
        object.__setattr__(self, "mark", object())
        reads = any(rule.attributes or rule.foreign_claims for rule in self.claim_rules)
        object.__setattr__(self, "reads_claim_inputs", reads)
