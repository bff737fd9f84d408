"""Outside issuers, their tokens' claims and what a trust profile says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tenants.records.compiled import unknown_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from tenants.records.sign_in import UpstreamRecord
    from tenants.records.vocabulary import JSON, Ciphertext, Verdict


@dataclass(frozen=True, slots=True)
class TrustProfileRecord:
    """An outside issuer and what may come of its tokens; ages in seconds.

    `claims_hold` is `required_claims` compiled, and asked only where there are any. A mapping of
    scopes that is empty maps each name to itself.
    """

    id: UUID
    slug: str
    issuer: str
    audience: str
    algorithms: frozenset[str]
    jwks_uri: str = ""
    jwks: tuple[Mapping[str, JSON], ...] = ()
    shared_secret: Ciphertext | None = None
    maximum_scope: frozenset[str] = frozenset()
    scope_claim: str = "scope"
    maximum_age_seconds: int = 3600
    clock_skew_seconds: int = 30
    subject_claim: str = "sub"
    provisioning: Literal["refuse", "create"] = "refuse"
    kind: str = "jwt"
    introspection_endpoint: str = ""
    introspection_client_id: str = ""
    introspection_secret: Ciphertext | None = None
    token_prefix: str = ""
    scope_mapping: Mapping[str, frozenset[str]] = field(default_factory=dict)
    required_claims: JSON = field(default=None, hash=False)
    claims_hold: Callable[[Mapping[str, JSON]], Verdict] = field(
        default=unknown_claims, compare=False, repr=False
    )
    maximum_lifetime_seconds: int | None = None
    max_subjects_per_day: int = 10_000
    linking_claim: str = ""
    linking_verified_claim: str = ""
    is_accepted_directly: bool = False
    direct_api_ids: frozenset[UUID] = frozenset()
    tenant_id: UUID | None = None
    upstream: UpstreamRecord | None = None


@dataclass(frozen=True, slots=True)
class WorkloadIdentity:
    """Which tokens of an outside issuer prove a client that has no secret.

    `claims_hold` is `claims` compiled, and asked only where there are any.
    """

    trust_profile_id: UUID
    subject: str
    claims: JSON = field(default=None, hash=False)
    claims_hold: Callable[[Mapping[str, JSON]], Verdict] = field(
        default=unknown_claims, compare=False, repr=False
    )


@dataclass(frozen=True, slots=True)
class SignedClaims:
    """The claims of a foreign token whose signature and times have been verified."""

    issuer: str
    subject: str | None
    audiences: tuple[str, ...]
    issued_at: int | None
    expires_at: int
    not_before: int | None
    token_id: str | None
    key_id: str | None
    algorithm: str
    claims: Mapping[str, JSON]
    signing_input_hash: bytes


@dataclass(frozen=True, slots=True)
class TrustMatch:
    """A trust profile accepted a foreign token; `scopes` is None where the token names none.

    By `linking_email`, which its issuer has verified, a subject that exists may be linked at first
    sight; it is empty where nothing links.
    """

    profile_id: UUID
    issuer: str
    subject: str
    scopes: frozenset[str] | None
    provisioning: str
    max_subjects_per_day: int = 10_000
    linking_email: str = ""


@dataclass(frozen=True, slots=True)
class TrustRefusal:
    """A trust profile refused a foreign token."""

    reason: str
    detail: str
