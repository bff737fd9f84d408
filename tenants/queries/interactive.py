"""Builds what records say about people who sign in; states of older versions say nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from tenants.public_addresses import find_host_name
from tenants.records import (
    BrandingRecord,
    Ciphertext,
    InteractiveRecord,
    RegistrationRules,
    SignInRules,
    UpstreamRecord,
)
from tenants.records.sign_in import PAIRWISE

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]

ENDS_OLDEST: Final = "end_oldest"


def build_sign_in(tenant: Row) -> SignInRules:
    """Build how people sign in at a tenant."""
    if "allow_password_sign_in" not in tenant:
        return SignInRules()
    return SignInRules(
        allows_password=tenant["allow_password_sign_in"],
        allows_email=tenant["allow_email_sign_in"],
        # Passkeys belong to a host that has a name. Source: WebAuthn Level 3 section 5.1.2.
        allows_passkey=tenant["allow_passkey_sign_in"]
        and bool(find_host_name(settings.TENANTS_BASE_URL)),
        allows_sign_up=tenant["allow_sign_up"],
        lifetime_seconds=tenant["sign_in_lifetime_seconds"],
        idle_lifetime_seconds=tenant["sign_in_idle_lifetime_seconds"],
        consent_lifetime_seconds=tenant["consent_lifetime_seconds"],
    )


def build_branding(tenant: Row) -> BrandingRecord:
    """Build how a tenant's pages look."""
    return BrandingRecord(
        name=tenant["name"] or tenant["slug"],
        logo_uri=tenant.get("logo_uri", ""),
        accent_colour=tenant.get("accent_colour", ""),
        default_language=tenant.get("default_language", "en"),
        privacy_policy_uri=tenant.get("privacy_policy_uri", ""),
        terms_of_service_uri=tenant.get("terms_of_service_uri", ""),
    )


def build_registration(tenant: Row) -> RegistrationRules:
    """Build whether clients register themselves."""
    return RegistrationRules(
        registration=tenant.get("client_registration", "off"),
        max_per_day=tenant.get("max_registrations_per_day", 100),
        idle_days=tenant.get("registered_client_idle_days", 30),
        allows_documents=tenant.get("allow_client_metadata_documents", False),
    )


def build_upstream(profile: Row) -> UpstreamRecord | None:
    """Build how people sign in with an outside issuer; None where that is not offered."""
    if not profile.get("is_sign_in_offered"):
        return None
    text = profile["sign_in_secret_ciphertext"]
    secret = Ciphertext(profile["sign_in_kek_id"], bytes.fromhex(text[2:])) if text else None
    return UpstreamRecord(
        label=profile["sign_in_label"] or profile["name"] or profile["slug"],
        authorization_endpoint=profile["authorization_endpoint"],
        token_endpoint=profile["token_endpoint"],
        client_id=profile["sign_in_client_id"],
        secret=secret,
        scopes=tuple(profile["sign_in_scopes"]),
    )


def build_interactive(document: Row) -> InteractiveRecord:
    """Build the part of a client that sends people to sign in."""
    client = document["client"]
    redirect_uris = tuple((client.get("redirect_uris") or "").split())
    if "subject_type" not in client:
        return InteractiveRecord(name=client["name"], redirect_uris=redirect_uris)
    return InteractiveRecord(
        name=client["name"] or client["client_id"],
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=tuple(client["post_logout_redirect_uris"].split()),
        skips_consent=client["skip_authorization"],
        is_pkce_exempt=client["is_pkce_exempt"],
        requires_offline_access=client["requires_offline_access"],
        offline_lifetimes_seconds=tuple(client["offline_lifetimes_seconds"]),
        is_pairwise=client["subject_type"] == PAIRWISE,
        sector=client["sector_identifier"] or _host_of(redirect_uris),
        id_token_algorithm=client["id_token_signed_response_alg"],
        userinfo_algorithm=client["userinfo_signed_response_alg"],
        default_max_age_seconds=client["default_max_age_seconds"],
        require_auth_time=client["require_auth_time"],
        backchannel_logout_uri=client["backchannel_logout_uri"],
        backchannel_logout_session_required=client["backchannel_logout_session_required"],
        max_sessions=client["max_sessions"],
        ends_oldest_session=client["on_session_limit"] == ENDS_OLDEST,
        client_uri=client["client_uri"],
        logo_uri=client["logo_uri"],
        policy_uri=client["policy_uri"],
        tos_uri=client["tos_uri"],
        sign_in_profile_ids=_ids(document, "sign_in_profiles"),
        excluded_sign_in_profile_ids=_ids(document, "excluded_sign_in_profiles"),
    )


def _ids(document: Row, name: str) -> frozenset[UUID]:
    return frozenset(UUID(profile) for profile in document.get(name, ()))


def _host_of(redirect_uris: tuple[str, ...]) -> str:
    """Answer whose pairwise ids a client has that says nothing. Source: OIDC Core section 8.1."""
    return (urlsplit(redirect_uris[0]).hostname or "") if redirect_uris else ""
