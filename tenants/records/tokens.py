"""A token before it is signed and stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenants.records.vocabulary import NOTHING_ADDED
from tenants.request_records import request_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.records.configuration import SigningKeyRecord
    from tenants.records.subjects import MembershipRecord
    from tenants.records.vocabulary import JSON

# Whom a client acts for in its application: no subject of ours, hence no `sub` and no `act`.
APP_TENANT_CLAIM: Final = "urn:authplatform:app_tenant_id"
APP_SUBJECT_CLAIM: Final = "urn:authplatform:app_subject_id"
RESERVED_CLAIMS = frozenset(
    (
        # RFC 7519 section 4.1, RFC 9068 section 2.2 and what our profiles set themselves.
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "cid", "scope", "scp"),
        # RFC 8693 section 4, RFC 7800 section 3.1, OpenID Connect Core section 2.
        *("act", "may_act", "cnf", "nonce", "at_hash", "c_hash", "auth_time", "acr", "amr", "azp"),
        *("sid", "typ", "ext", "ver", "usl", "atv", "groups", "roles", "entitlements", "events"),
        *("group_permissions", "urn:onegini.com:oidc:group_policies", "authorization_details"),
        *(APP_TENANT_CLAIM, APP_SUBJECT_CLAIM, "_claim_names", "_claim_sources"),
        # RFC 7662 section 2.2: an answer of introspection must stay what it is.
        *("active", "token_type", "username", "usage_limit", "usage_count"),
        # OpenID Connect for Identity Assurance section 5: somebody vouches for these.
        "verified_claims",
    )
)
# Below these, consumers take everything for the word of the platform or of its claim profile.
RESERVED_PREFIXES = ("urn:authplatform:", "urn:onegini.com:oidc:")


@request_record(frozen=True, slots=True)
class TokenRecord:
    """Everything that a claim profile may say about one token; times in seconds since the epoch.

    `actor` is who acts for the subject (RFC 8693 section 4.1), after the `prior_actors`, the latest
    first; the `app_` names are the customer's. `group_claims` is the client's choice of how its
    users' groups are told, empty for the profile's own. A refresh names the grant with which its
    session began as well.
    """

    token_id: UUID
    issuer: str
    project_slug: str
    environment_slug: str
    tenant_slug: str
    client_id: str
    audiences: tuple[str, ...]
    scopes: tuple[str, ...]
    issued_at: int
    expires_at: int
    issuer_override: str = ""
    subject: str = ""
    actor: str = ""
    prior_actors: tuple[str, ...] = ()
    app_tenant_id: str = ""
    app_subject_id: str = ""
    usage_limit: int = 0
    memberships: tuple[MembershipRecord, ...] = ()
    group_claims: str = ""
    authenticated_at: int | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    grant_type: str = ""
    session_grant_type: str = ""


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """When a refresh token and its session end; seconds since the epoch."""

    expires_at: int
    session_expires_at: int


@request_record(frozen=True, slots=True)
class IdTokenPlan:
    """An ID token before it is signed; `at_hash` needs the access token and comes with it."""

    claims: Mapping[str, JSON]
    header: Mapping[str, JSON]
    signing_key: SigningKeyRecord


@request_record(frozen=True, slots=True)
class TokenPlan:
    """One token before it is signed and stored; times in seconds since the epoch.

    An opaque token has neither header nor algorithm nor key; its claims are what introspection
    tells of it. `versions` are those of platform, environment, tenant and client; `added_by` says
    of each claim that no profile lays out what has added it.
    """

    token_id: UUID
    format: str
    claims: Mapping[str, JSON]
    issued_at: int
    expires_at: int
    response: Mapping[str, JSON]
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    api_ids: tuple[UUID, ...]
    claim_profile: str
    versions: tuple[int, int, int, int]
    facts: Mapping[str, JSON]
    header: Mapping[str, JSON] | None = None
    algorithm: str = ""
    signing_key: SigningKeyRecord | None = None
    refresh: RefreshPlan | None = None
    usage_limit: int = 0
    id_token: IdTokenPlan | None = None
    added_by: Mapping[str, str] = field(default_factory=lambda: NOTHING_ADDED)
