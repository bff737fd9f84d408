"""The vocabulary of the configuration: every list, its entities and what may be said of them."""

from __future__ import annotations

from tenants import models
from tenants.configuration.vocabulary import Attribute, Kind
from tenants.models.fields import SETTINGS_FIELDS
from tenants.models.interactive_client import INTERACTIVE_FIELDS
from tenants.models.request_limits import CLIENT_LIMIT_FIELDS, LIMIT_FIELDS
from tenants.models.sign_in import BRANDING_FIELDS, REGISTRATION_FIELDS, SIGN_IN_FIELDS

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name in the files, no secret.


def _attributes(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names)


def _sets(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, is_set=True) for name in names)


def _links(**targets: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, target=target, is_set=True) for name, target in targets.items())


SECRET_SOURCES = ("value", "value_from_env", "value_from_file", "hash", "pepper_id", "hint")
SETTINGS = _attributes(*SETTINGS_FIELDS)
LIMITS = _attributes(*LIMIT_FIELDS)
CLIENT_SETTINGS = (
    *(item for item in SETTINGS if REFRESH_TOKEN not in item.name),
    Attribute("enabled", "refresh_token_enabled", REFRESH_TOKEN),
    *(
        Attribute(item.name.replace("refresh_token_", ""), item.name, REFRESH_TOKEN)
        for item in SETTINGS
        if REFRESH_TOKEN in item.name
    ),
)
# Where RFC 7591's registry has a name for the field, it stands here; one is a list without order.
INTERACTIVE_NAMES = {"default_max_age_seconds": "default_max_age"}
INTERACTIVE = tuple(
    Attribute(INTERACTIVE_NAMES.get(name, name), name, is_set=name == "offline_lifetimes_seconds")
    for name in INTERACTIVE_FIELDS
)
TENANT_LISTS = (
    "claim_profiles",
    "apis",
    "clients",
    "trust_profiles",
    "access_policies",
    "master_tokens",
    "initial_access_tokens",
    "claim_rules",
    "groups",
    "operators",
    "signing_keys",
)

PLATFORM = Kind(
    "platform",
    "platform",
    models.Platform,
    (),
    (*SETTINGS, *LIMITS, *_attributes("token_retention_seconds", "refusal_retention_seconds")),
    is_container=True,
)
PROJECT = Kind(
    "projects",
    "project",
    models.Project,
    ("slug",),
    _attributes("slug", "name"),
    children=("environments",),
    is_container=True,
)
ENVIRONMENT = Kind(
    "environments",
    "environment",
    models.Environment,
    ("slug",),
    (
        *_attributes("slug", "name"),
        *SETTINGS,
        *LIMITS,
        *_sets("allowed_grant_types", "allowed_signing_algorithms"),
    ),
    children=("tenants",),
    is_container=True,
)
TENANT = Kind(
    "tenants",
    "tenant",
    models.Tenant,
    ("slug",),
    (
        *_attributes("slug", "name", "is_enabled", "is_built_in"),
        *(item for item in SETTINGS if item.name != "claim_profile"),
        Attribute("claim_profile", is_late=True),
        *LIMITS,
        *_attributes("signing_algorithm", "scope_excess", "issuer_override"),
        *_attributes("allow_typed_secrets", "allow_json_token_requests"),
        *_attributes("allow_spaceblocks_alias", "allow_aidbox_alias", "refusal_retention_seconds"),
        *_attributes(*SIGN_IN_FIELDS, *BRANDING_FIELDS, *REGISTRATION_FIELDS),
    ),
    children=TENANT_LISTS,
    is_container=True,
)
API = Kind(
    "apis",
    "Api",
    models.Api,
    ("slug",),
    (
        *_attributes("slug", "name", "audience", "is_enabled"),
        *SETTINGS,
        *_attributes("allow_refresh_tokens", "allow_limited_jwt", "signing_algorithm"),
        Attribute("resource_server_clients", target="clients", is_late=True, is_set=True),
    ),
    children=("scopes",),
)
SCOPE = Kind(
    "scopes",
    "scope",
    models.Scope,
    ("name",),
    _attributes(
        *("name", "title", "description", "translations", "emphasized", "is_required"),
        *("usage_limit", "min_acr"),
    ),
)
CLIENT = Kind(
    "clients",
    "client",
    models.Client,
    ("client_id",),
    (
        *_attributes("client_id", "name", "is_enabled", "kind"),
        *_sets("grant_types"),
        *_attributes("token_endpoint_auth_method", "jwks", "jwks_uri"),
        Attribute("workload_trust_profile", target="trust_profiles"),
        *_attributes("workload_subject", "workload_claims"),
        *_links(scopes="scopes", default_scopes="scopes"),
        *_attributes("redirect_uris", "post_logout_redirect_uris", "skip_authorization"),
        *_sets("cors_allowed_origins"),
        *INTERACTIVE,
        *_links(sign_in_profiles="trust_profiles", excluded_sign_in_profiles="trust_profiles"),
        *_attributes("group_claims", "may_impersonate"),
        *_sets("impersonated_tenants", "impersonated_subjects"),
        *_links(impersonation_scopes="scopes"),
        Attribute("max_impersonated_token_lifetime_seconds"),
        *_attributes(*CLIENT_LIMIT_FIELDS),
        *CLIENT_SETTINGS,
    ),
    children=("secrets", "grant_settings"),
)
CLIENT_SECRET = Kind(
    "secrets",
    "secret",
    models.ClientSecret,
    ("label",),
    _attributes("label", "expires_at"),
    extras=SECRET_SOURCES,
)
GRANT_SETTINGS = Kind(
    "grant_settings",
    "grant's settings",
    models.ClientGrantSettings,
    ("grant_type",),
    (Attribute("grant_type"), *CLIENT_SETTINGS),
)
TRUST_PROFILE = Kind(
    "trust_profiles",
    "trust profile",
    models.TrustProfile,
    ("slug",),
    (
        *_attributes("slug", "name", "is_enabled", "kind", "issuer", "audience"),
        *_sets("algorithms"),
        *_attributes("jwks_uri", "jwks"),
        *_attributes("introspection_endpoint", "introspection_client_id", "token_prefix"),
        *_links(maximum_scopes="scopes"),
        *_attributes("scope_claim", "scope_mapping", "required_claims", "subject_claim"),
        *_attributes("maximum_age_seconds", "maximum_lifetime_seconds", "clock_skew_seconds"),
        *_attributes("provisioning", "max_subjects_per_day"),
        *_attributes("linking_claim", "linking_verified_claim", "is_accepted_directly"),
        *_links(direct_apis="apis"),
        *_attributes("is_sign_in_offered", "sign_in_label", "authorization_endpoint"),
        *_attributes("token_endpoint", "sign_in_client_id"),
        *_sets("sign_in_scopes"),
    ),
    extras=("shared_secret", "introspection_secret", "sign_in_secret"),
)
ACCESS_POLICY = Kind(
    "access_policies",
    "access policy",
    models.AccessPolicy,
    ("slug",),
    (
        *_attributes("slug", "description", "is_enabled", "effect", "mode", "engine", "rule"),
        *_sets("operations", "client_kinds"),
        *_links(clients="clients", apis="apis", scopes="scopes"),
        *_links(subjects="subjects", groups="groups", trust_profiles="trust_profiles"),
        *_sets("limit_scopes"),
        *_attributes("limit_lifetime_seconds"),
        *_sets("limit_audiences"),
    ),
)
MASTER_TOKEN = Kind(
    "master_tokens",
    "master token",
    models.MasterToken,
    ("label",),
    (
        Attribute("label"),
        Attribute("client", target="clients"),
        *_attributes("kind", "is_enabled"),
        *_links(scopes="scopes"),
        *_sets("user_groups", "allowed_origins", "allowed_addresses"),
        *_attributes("max_users_per_address_per_day", "max_users_per_day"),
        Attribute("expires_at"),
    ),
    extras=SECRET_SOURCES,
)
INITIAL_ACCESS_TOKEN = Kind(
    "initial_access_tokens",
    "initial access token",
    models.InitialAccessToken,
    ("label",),
    _attributes("label", "is_enabled", "max_clients", "expires_at"),
    extras=SECRET_SOURCES,
)
CLAIM_PROFILE = Kind(
    "claim_profiles",
    "claim profile",
    models.ClaimProfile,
    ("slug",),
    _attributes("slug", "base", "is_dual", "group_claims_budget_bytes"),
)
CLAIM_RULE = Kind(
    "claim_rules",
    "claim rule",
    models.ClaimRule,
    ("slug",),
    (
        *_attributes("slug", "claim", "source", "value", "condition", "is_required"),
        Attribute("api", target="apis"),
        Attribute("client", target="clients"),
        Attribute("grant_type"),
    ),
)
GROUP = Kind(
    "groups",
    "group",
    models.Group,
    ("slug",),
    _attributes("slug", "name", "permissions", "roles", "attributes", "resources"),
)
OPERATOR = Kind(
    "operators",
    "operator",
    models.Membership,
    ("username", "role"),
    (Attribute("username", "user", target="users"), Attribute("role")),
)
SIGNING_KEY = Kind(
    "signing_keys",
    "signing key",
    models.SigningKey,
    ("kid",),
    (
        *_attributes("kid", "algorithm", "state"),
        Attribute("api", target="apis"),
        *_attributes("public_jwk", "private_ciphertext", "kek_id", "activated_at", "replaced_at"),
    ),
)

KINDS = {
    kind.name: kind
    for kind in (
        PROJECT,
        ENVIRONMENT,
        TENANT,
        API,
        SCOPE,
        CLIENT,
        CLIENT_SECRET,
        GRANT_SETTINGS,
        TRUST_PROFILE,
        ACCESS_POLICY,
        MASTER_TOKEN,
        INITIAL_ACCESS_TOKEN,
        CLAIM_PROFILE,
        CLAIM_RULE,
        GROUP,
        OPERATOR,
        SIGNING_KEY,
    )
}
