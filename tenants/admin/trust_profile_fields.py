"""How the form of a trust profile is laid out."""

from __future__ import annotations

from typing import Any

IDENTITY = ("tenant", "slug", "name", "is_enabled", "kind", "issuer", "audience")


def describe_fieldsets(*, is_writable: bool) -> list[Any]:
    """List the parts of the form; who only reads gets no field for a secret."""
    shared = ("public_key_pem", "shared_secret") if is_writable else ()
    asking = ("introspection_secret", "remove_secrets") if is_writable else ()
    signing_in = ("sign_in_secret",) if is_writable else ()
    return [
        (None, {"fields": IDENTITY}),
        (
            "Keys, for signed tokens",
            {
                "description": "Exactly one of: an address, public keys, a shared secret.",
                "fields": ("algorithms", "jwks_uri", "jwks", *shared, "has_shared_secret"),
            },
        ),
        (
            "Introspection, for opaque tokens",
            {
                "fields": (
                    *("introspection_endpoint", "introspection_client_id", "token_prefix"),
                    *("has_introspection_secret", *asking),
                ),
            },
        ),
        (
            "What its tokens must be",
            {
                "fields": (
                    "required_claims",
                    ("maximum_age_seconds", "maximum_lifetime_seconds", "clock_skew_seconds"),
                )
            },
        ),
        (
            "What may come of them",
            {"fields": ("maximum_scopes", "scope_claim", "scope_mapping")},
        ),
        (
            "Whom they stand for",
            {
                "fields": (
                    ("subject_claim", "provisioning", "max_subjects_per_day"),
                    ("linking_claim", "linking_verified_claim"),
                )
            },
        ),
        (
            "Without an exchange",
            {"fields": ("is_accepted_directly", "direct_apis")},
        ),
        (
            "Sign in with this issuer",
            {
                "description": "OpenID Connect, with code and PKCE. Register there the redirect "
                "URI that ends in /sign-in/callback/ and this profile's slug, below the tenant's "
                "issuer.",
                "fields": (
                    *("is_sign_in_offered", "sign_in_label", "authorization_endpoint"),
                    *("token_endpoint", "sign_in_client_id", "sign_in_scopes"),
                    *("has_sign_in_secret", *signing_in),
                ),
            },
        ),
    ]
