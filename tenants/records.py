"""Every frozen dataclass that crosses a step of the walk. Pure: no Django, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from tenants.policy_links import index_policies
from tenants.request_records import request_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from tenants.policy_document import Document
    from tenants.policy_links import PolicyIndex

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
NOTHING: Mapping[str, JSON] = MappingProxyType({})
CONSTANT: Final = "constant"  # The source of a claim rule that reads nothing.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
NOTHING_ADDED: Mapping[str, str] = MappingProxyType({})


class GrantType(StrEnum):
    """The `grant_type` values that a client may be given."""

    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the RFC's name of a grant, no secret.
    AUTHORIZATION_CODE = "authorization_code"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant's name.
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    # What a master token asks for; the token endpoint knows no such grant.
    MASTER_TOKEN = "urn:authplatform:grant-type:master-token"  # noqa: S105 - a grant's name.


INTROSPECTION: Final = "introspection"
ACCESS: Final = "access"  # A call of an Api, about which its resource server asks.
# What a policy may be linked to as operation.
OPERATIONS: Final = frozenset((*GrantType, INTROSPECTION, ACCESS))


class Verdict(StrEnum):
    """What a rule says of a request; indeterminate where something that it needs is absent."""

    TRUE = "true"
    FALSE = "false"
    INDETERMINATE = "indeterminate"


class TokenFormat(StrEnum):
    """How an access token is written."""

    JWT = "jwt"
    OPAQUE = "opaque"


class KeyState(StrEnum):
    """The place of a signing key in its ring."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A secret that must be used again, encrypted under the key encryption key `kek_id`."""

    kek_id: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """A secret that is only compared: HMAC-SHA-256 under the pepper `pepper_id`."""

    pepper_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The token settings of one level; None means that the level says nothing."""

    access_token_lifetime_seconds: int | None = None
    max_access_token_lifetime_seconds: int | None = None
    refresh_token_lifetime_seconds: int | None = None
    max_refresh_token_lifetime_seconds: int | None = None
    refresh_token_idle_lifetime_seconds: int | None = None
    max_refresh_token_idle_lifetime_seconds: int | None = None
    access_token_format: str | None = None
    claim_profile: str | None = None
    refresh_token_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one level says of the number of requests; None means that it says nothing."""

    client_requests_per_minute: int | None = None
    max_client_requests_per_minute: int | None = None
    client_request_burst: int | None = None
    max_client_request_burst: int | None = None
    address_requests_per_minute: int | None = None
    max_address_requests_per_minute: int | None = None
    address_request_burst: int | None = None
    max_address_request_burst: int | None = None


class Rate(NamedTuple):
    """So many requests per second on average, and so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What holds for one token after all levels: lifetimes in seconds, all of them finite."""

    access_token_lifetime_seconds: int
    refresh_token_lifetime_seconds: int
    refresh_token_idle_lifetime_seconds: int
    access_token_format: str
    claim_profile: str
    refresh_token_enabled: bool
    signing_algorithm: str
    signing_api_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ApiRecord:
    """A protected resource server."""

    id: UUID
    slug: str
    audience: str
    settings: TokenSettings = TokenSettings()
    built_in: str = ""
    is_enabled: bool = True
    signing_algorithm: str = ""
    allow_refresh_tokens: bool = True
    allow_limited_jwt: bool = False
    resource_server_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    """A right at an Api."""

    id: UUID
    name: str
    api_id: UUID
    usage_limit: int = 0


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


def indeterminate(_document: Document) -> Verdict:
    """Say that nothing is known: a rule that was never compiled opens nothing."""
    return Verdict.INDETERMINATE


def nothing(_document: Document) -> JSON:
    """Answer no value: a claim rule that was never compiled adds nothing."""
    return None


def unknown_claims(_claims: Mapping[str, JSON]) -> Verdict:
    """Say that nothing is known: a pattern that was never compiled accepts no token."""
    return Verdict.INDETERMINATE


def nobody(_name: str) -> bool:
    """Allow nobody: a filter that was never compiled opens nothing."""
    return False


@dataclass(frozen=True, slots=True)
class ImpersonationRight:
    """For whom of its application a client may ask; an empty filter allows nobody.

    `tenants` and `subjects` are patterns that match whole names, and compiled as `allows_...`.
    """

    tenants: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    scope_ids: frozenset[UUID] = frozenset()
    max_lifetime_seconds: int | None = None
    allows_tenant: Callable[[str], bool] = field(default=nobody, compare=False, repr=False)
    allows_subject: Callable[[str], bool] = field(default=nobody, compare=False, repr=False)


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
class ClientSecretRecord:
    """One live secret of a client; `expires_at` in seconds since the epoch, None for none."""

    id: UUID
    keyed_hash: KeyedHash | None = None
    typed_hash: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the snapshot holds it."""

    id: UUID
    client_id: str
    kind: str
    version: int
    grant_types: frozenset[str]
    authentication_method: str
    is_enabled: bool = True
    secrets: tuple[ClientSecretRecord, ...] = ()
    jwks: tuple[Mapping[str, JSON], ...] = ()
    jwks_uri: str = ""
    scope_ids: frozenset[UUID] = frozenset()
    default_scope_ids: frozenset[UUID] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    settings: TokenSettings = TokenSettings()
    grant_settings: Mapping[str, TokenSettings] = field(default_factory=dict)
    impersonation: ImpersonationRight | None = None
    group_claims: str = ""
    workload: WorkloadIdentity | None = None
    limits: RequestLimits = RequestLimits()


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


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """Something that a group gives its members a privilege at; what is not known is empty."""

    id: str
    name: str = ""
    external_id: str = ""
    privilege: str = ""
    type_id: str = ""
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """A group of an end user, as claims tell it; attributes are names with values."""

    id: UUID
    slug: str
    name: str = ""
    permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    resources: tuple[ResourceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """An end user as a grant read it: cut-off number and groups come of the same statement.

    `groups` are slugs, None where nobody has read them; `memberships` tell of the same groups.
    `attributes` are the text of a JSON object, empty for none: claim rules parse it if they must.
    """

    id: UUID
    is_enabled: bool
    cut_off_number: int
    groups: tuple[str, ...] | None = None
    memberships: tuple[MembershipRecord, ...] = ()
    attributes: str = field(default="", repr=False)


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


@request_record(frozen=True, slots=True)
class AccessRequest:
    """For whom and for what a token is asked; made by a grant, judged by `policy.decide`.

    `scope_ceiling` bounds the scope by what a parent holds (a refresh token, an assertion) and
    `expires_at_ceiling` (seconds since the epoch) the life by a parent's. A refresh names its
    session: id, end (seconds since the epoch) and the grant with which it began. `app_tenant_id`
    and `app_subject_id` are the customer's own names of whom a client acts for; they are claims,
    never a subject of ours. `groups` are slugs, None where nobody has read them; `claims` are those
    of a verified foreign token, `headers` have lower-case names, `now` is in seconds since the
    epoch. `actor` acts for the subject, before it did the `prior_actors`, the latest first, and
    `parent_id` is the token that was exchanged, `actor_token_id` the one by which the actor proved
    who it is. `usage_limit` tightens that of the scopes, and 0
    says nothing. `operation` is the grant type where it is empty;
    `caller` is who asks about another's token or call. `action`, `resource`, `context` and
    `access_subject` are as an evaluation request has them.
    """

    grant_type: str
    client: ClientRecord
    subject: SubjectRecord | None = None
    requested_scopes: tuple[str, ...] | None = None
    requested_audiences: tuple[str, ...] = ()
    api_slug: str = ""
    scope_ceiling: frozenset[str] | None = None
    audience_ceiling: frozenset[str] | None = None
    expires_at_ceiling: int | None = None
    session_id: UUID | None = None
    trust_profile_id: UUID | None = None
    master_token_id: UUID | None = None
    address: str = ""
    user_agent: str = ""
    session_expires_at: int | None = None
    session_grant_type: str = ""
    app_tenant_id: str = ""
    app_subject_id: str = ""
    presented: PresentedRefreshToken | None = None
    operation: str = ""
    groups: tuple[str, ...] | None = None
    actor: str = ""
    prior_actors: tuple[str, ...] = ()
    parent_id: UUID | None = None
    actor_token_id: UUID | None = None
    usage_limit: int = 0
    claims: Mapping[str, JSON] | None = None
    method: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    now: float = 0
    caller: ClientRecord | None = None
    action: Mapping[str, JSON] | None = None
    resource: Mapping[str, JSON] | None = None
    context: Mapping[str, JSON] | None = None
    access_subject: Mapping[str, JSON] | None = None


@request_record(frozen=True, slots=True)
class PresentedRefreshToken:
    """A refresh token whose secret was right, and its session; times in seconds since the epoch.

    `client` is the client's row and `client_id` its name. `death` says why the token can't be used
    any more, apart from having been used (`consumed_at`); it is empty while the token lives.
    `groups` are the slugs of the subject's, `attributes` the text of a JSON object.
    """

    id: UUID
    secret: bytes = field(repr=False)
    session_id: UUID
    client: UUID
    client_id: str
    subject_id: UUID | None
    trust_profile_id: UUID | None
    grant_type: str
    scopes: Sequence[str]
    audiences: Sequence[str]
    cut_off_number: int
    issued_at: int
    expires_at: int
    session_expires_at: int
    consumed_at: float | None
    repeated_answer: bytes | None = field(repr=False)
    death: str
    groups: Sequence[str] = ()
    memberships: tuple[MembershipRecord, ...] = ()
    app_tenant_id: str = ""
    app_subject_id: str = ""
    attributes: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One named check of a decision: whether it passed and, where not, the reason code."""

    name: str
    passed: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy said of a request, and whether that had an effect."""

    slug: str
    effect: str
    mode: str
    verdict: Verdict
    version: int
    is_applied: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on an access request; the ordered checks are its explanation.

    `usage_limit` is how often resource servers may ask about the token; 0 is no limit. `judged` has
    the policies whose links matched, in no order; `document` is what they read.
    """

    is_allowed: bool
    checks: tuple[Check, ...]
    granted_scopes: tuple[str, ...] = ()
    apis: tuple[ApiRecord, ...] = ()
    settings: EffectiveSettings | None = None
    usage_limit: int = 0
    judged: Sequence[tuple[PolicyRecord, Verdict, bool]] = field(
        default=(), compare=False, repr=False
    )
    document: Document | None = field(default=None, compare=False, repr=False)

    @property
    def refusal(self) -> Check:
        """The check that decided against the request; only for a denied decision."""
        return next(check for check in self.checks if not check.passed)

    @property
    def policies(self) -> tuple[PolicyResult, ...]:
        """What each policy said whose links matched, by slug."""
        return tuple(
            PolicyResult(p.slug, p.effect, p.mode, verdict, p.version, is_applied)
            for p, verdict, is_applied in sorted(
                self.judged, key=lambda judged: (judged[0].slug, judged[0].id)
            )
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: an operator, a client, a credential, an end user, or the system."""

    kind: Literal["operator", "client", "master_token", "subject", "system"]
    id: str = ""
    label: str = ""
    address: str = ""


SYSTEM = Actor("system", label="system")

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
    added_by: Mapping[str, str] = field(default_factory=lambda: NOTHING_ADDED)
