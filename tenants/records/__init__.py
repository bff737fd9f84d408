"""Every frozen dataclass that crosses a step of the walk. Pure: no Django, no database.

This package is the only import path; its modules are by subject.
"""

from __future__ import annotations

from tenants.records.access import (
    AccessRequest,
    PresentedRefreshToken,
)
from tenants.records.actors import (
    SYSTEM,
    Actor,
)
from tenants.records.clients import (
    ClientRecord,
    ClientSecretRecord,
    ImpersonationRight,
)
from tenants.records.compiled import (
    indeterminate,
    nobody,
    nothing,
    unknown_claims,
)
from tenants.records.configuration import (
    ApiRecord,
    ClaimProfileRecord,
    ClaimRuleRecord,
    PolicyRecord,
    ScopeRecord,
    SigningKeyRecord,
)
from tenants.records.decisions import (
    Check,
    Decision,
    PolicyResult,
)
from tenants.records.settings import (
    EffectiveSettings,
    Rate,
    RequestLimits,
    TokenSettings,
)
from tenants.records.sign_in import (
    Authentication,
    BrandingRecord,
    ConsumedGrant,
    InteractiveRecord,
    RegistrationRules,
    SignInRules,
    UpstreamRecord,
)
from tenants.records.subjects import (
    MembershipRecord,
    ResourceRecord,
    SubjectRecord,
)
from tenants.records.tenant import (
    TenantSnapshot,
)
from tenants.records.tokens import (
    APP_SUBJECT_CLAIM,
    APP_TENANT_CLAIM,
    RESERVED_CLAIMS,
    RESERVED_PREFIXES,
    IdTokenPlan,
    RefreshPlan,
    TokenPlan,
    TokenRecord,
)
from tenants.records.trust import (
    SignedClaims,
    TrustMatch,
    TrustProfileRecord,
    TrustRefusal,
    WorkloadIdentity,
)
from tenants.records.vocabulary import (
    ACCESS,
    CONSTANT,
    INTROSPECTION,
    JSON,
    NO_HEADERS,
    NOTHING,
    NOTHING_ADDED,
    OPERATIONS,
    Ciphertext,
    GrantType,
    KeyedHash,
    KeyState,
    TokenFormat,
    Verdict,
)

__all__ = [
    "ACCESS",
    "APP_SUBJECT_CLAIM",
    "APP_TENANT_CLAIM",
    "CONSTANT",
    "INTROSPECTION",
    "JSON",
    "NOTHING",
    "NOTHING_ADDED",
    "NO_HEADERS",
    "OPERATIONS",
    "RESERVED_CLAIMS",
    "RESERVED_PREFIXES",
    "SYSTEM",
    "AccessRequest",
    "Actor",
    "ApiRecord",
    "Authentication",
    "BrandingRecord",
    "Check",
    "Ciphertext",
    "ClaimProfileRecord",
    "ClaimRuleRecord",
    "ClientRecord",
    "ClientSecretRecord",
    "ConsumedGrant",
    "Decision",
    "EffectiveSettings",
    "GrantType",
    "IdTokenPlan",
    "ImpersonationRight",
    "InteractiveRecord",
    "KeyState",
    "KeyedHash",
    "MembershipRecord",
    "PolicyRecord",
    "PolicyResult",
    "PresentedRefreshToken",
    "Rate",
    "RefreshPlan",
    "RegistrationRules",
    "RequestLimits",
    "ResourceRecord",
    "ScopeRecord",
    "SignInRules",
    "SignedClaims",
    "SigningKeyRecord",
    "SubjectRecord",
    "TenantSnapshot",
    "TokenFormat",
    "TokenPlan",
    "TokenRecord",
    "TokenSettings",
    "TrustMatch",
    "TrustProfileRecord",
    "TrustRefusal",
    "UpstreamRecord",
    "Verdict",
    "WorkloadIdentity",
    "indeterminate",
    "nobody",
    "nothing",
    "unknown_claims",
]
