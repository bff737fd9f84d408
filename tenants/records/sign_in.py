"""What a tenant and a client say about people who sign in, and how a person was recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.request_records import request_record

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records.vocabulary import Ciphertext

PAIRWISE: Final = "pairwise"


@dataclass(frozen=True, slots=True)
class SignInRules:
    """How people sign in at a tenant; lifetimes in seconds."""

    allows_password: bool = True
    allows_email: bool = True
    allows_passkey: bool = True
    allows_sign_up: bool = False
    lifetime_seconds: int = 43_200
    idle_lifetime_seconds: int = 7_200
    consent_lifetime_seconds: int = 15_552_000


@dataclass(frozen=True, slots=True)
class BrandingRecord:
    """How a tenant's pages look to people; what is not said is empty."""

    name: str = ""
    logo_uri: str = ""
    accent_colour: str = ""
    default_language: str = "en"
    privacy_policy_uri: str = ""
    terms_of_service_uri: str = ""


@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """Whether clients register themselves: `off`, `token` or `open`."""

    registration: str = "off"
    max_per_day: int = 100
    idle_days: int = 30
    allows_documents: bool = False


@dataclass(frozen=True, slots=True)
class UpstreamRecord:
    """How people sign in with an outside issuer. Source: OpenID Connect Core section 3.1."""

    label: str
    authorization_endpoint: str
    token_endpoint: str
    client_id: str
    secret: Ciphertext | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InteractiveRecord:
    """The part of a client that sends people to sign in.

    `sector` is whose pairwise ids it shares; empty algorithms are the tenant's choice; lifetimes
    and ages in seconds.
    """

    name: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    skips_consent: bool = False
    is_pkce_exempt: bool = False
    requires_offline_access: bool = True
    offline_lifetimes_seconds: tuple[int, ...] = ()
    is_pairwise: bool = False
    sector: str = ""
    id_token_algorithm: str = ""
    userinfo_algorithm: str = ""
    default_max_age_seconds: int | None = None
    require_auth_time: bool = False
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    max_sessions: int | None = None
    ends_oldest_session: bool = False
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    sign_in_profile_ids: frozenset[UUID] = frozenset()
    excluded_sign_in_profile_ids: frozenset[UUID] = frozenset()


NOT_INTERACTIVE: Final = InteractiveRecord()
SIGN_IN: Final = SignInRules()
PLAIN: Final = BrandingRecord()
NO_REGISTRATION: Final = RegistrationRules()


@request_record(frozen=True, slots=True)
class Authentication:
    """How a person was recognised; `authenticated_at` in seconds since the epoch.

    `sign_in_id` is the `sid`. Source: OpenID Connect Core section 2, RFC 8176 for `amr`.
    """

    sign_in_id: UUID
    authenticated_at: int
    acr: str
    amr: tuple[str, ...] = ()


@request_record(frozen=True, slots=True)
class ConsumedGrant:
    """A code that is used up when its session begins: its table's kind, its row, the session."""

    kind: str
    id: UUID
    session_id: UUID
