"""How the forms of a client are laid out."""

from __future__ import annotations

from typing import Any, Final

from tenants.admin.token_settings import CLIENT_LIMITS, LIFETIMES, TOKEN_CHOICES

IDENTITY: Final = ("tenant", "client_id", "name", "kind")
REQUESTS: Any = ("May ask for", {"fields": ("grant_types", "scopes", "default_scopes")})
PROOF: Any = (
    "Proves who it is by",
    {"fields": ("token_endpoint_auth_method", "jwks", "jwks_uri")},
)
WORKLOAD: Any = (
    "Workload without a secret",
    {
        "classes": ("collapse",),
        "description": "For the method workload_identity: the platform on which the workload runs "
        "signs a token for it, and that token proves the client.",
        "fields": ("workload_trust_profile", "workload_subject", "workload_claims"),
    },
)
IMPERSONATION: Any = (
    "Acting for subjects of its application",
    {
        "classes": ("collapse",),
        "description": "Such a token says in whose name the client acts. Its row is the "
        "record: find it by app_subject_id among the sessions and tokens.",
        "fields": (
            "may_impersonate",
            "impersonated_tenants",
            "impersonated_subjects",
            "impersonation_scopes",
            "max_impersonated_token_lifetime_seconds",
        ),
    },
)
SIGN_IN: Any = (
    "Sign-in",
    {
        "classes": ("collapse",),
        "description": "For the grant authorization_code, and for scripts in a browser.",
        "fields": (
            *("redirect_uris", "cors_allowed_origins", "initiate_login_uri", "is_pkce_exempt"),
            *("requires_offline_access", "offline_lifetimes_seconds"),
            ("max_sessions", "on_session_limit"),
            *("sign_in_profiles", "excluded_sign_in_profiles"),
        ),
    },
)
OPENID_CONNECT: Any = (
    "OpenID Connect",
    {
        "classes": ("collapse",),
        "fields": (
            ("subject_type", "sector_identifier"),
            ("id_token_signed_response_alg", "userinfo_signed_response_alg"),
            ("default_max_age_seconds", "require_auth_time"),
        ),
    },
)
LOGOUT: Any = (
    "Logout",
    {
        "classes": ("collapse",),
        "fields": (
            *("post_logout_redirect_uris", "backchannel_logout_uri"),
            "backchannel_logout_session_required",
        ),
    },
)
CONSENT_PAGE: Any = (
    "Consent page",
    {
        "classes": ("collapse",),
        "fields": ("skip_authorization", "client_uri", "logo_uri", "policy_uri", "tos_uri"),
    },
)
ADD_FIELDSETS: Any = (
    (None, {"fields": IDENTITY}),
    REQUESTS,
    PROOF,
    WORKLOAD,
    ("Sends people to sign in", {"classes": ("collapse",), "fields": ("redirect_uris",)}),
    ("Access", {"fields": ("allow_client",)}),
)
FIELDSETS: Any = (
    (None, {"fields": (*IDENTITY, "is_enabled")}),
    REQUESTS,
    PROOF,
    WORKLOAD,
    ("Tokens", {"fields": (*TOKEN_CHOICES, "group_claims", "refresh_token_enabled")}),
    LIFETIMES,
    CLIENT_LIMITS,
    IMPERSONATION,
    SIGN_IN,
    OPENID_CONNECT,
    LOGOUT,
    CONSENT_PAGE,
    ("Facts", {"classes": ("collapse",), "fields": ("created", "updated")}),
)
