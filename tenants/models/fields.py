"""The vocabularies, validators and abstract models that several entities share."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from tenants.impersonation import explain_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_SECONDS = 86_400
MAX_ACCESS_TOKEN_LIFETIME_SECONDS = 30 * DAY_SECONDS
MAX_REFRESH_TOKEN_LIFETIME_SECONDS = 3_650 * DAY_SECONDS

validate_slug = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    "Use 1 to 63 lower-case letters, digits and hyphens, not beginning or ending with a hyphen.",
)
validate_scope_name = RegexValidator(
    r"^[\x21\x23-\x5b\x5d-\x7e]{1,128}\Z",
    "Use up to 128 printable ASCII characters without space, quote and backslash "
    "(RFC 6749 section 3.3).",
)
validate_client_id = RegexValidator(
    r"^[\x21-\x7e]{1,255}\Z",
    "Use 1 to 255 printable ASCII characters without spaces (RFC 6749 appendix A.1).",
)
validate_audience = RegexValidator(
    r"^[^\s\x00-\x1f\x7f#]{1,255}\Z",
    "Use 1 to 255 characters without spaces, control characters and fragment (RFC 8707 section 2).",
)
ORIGIN = re.compile(r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?\Z")


def validate_origins(origins: Sequence[str]) -> None:
    """Refuse everything but bare web origins such as `https://app.example`."""
    for origin in origins:
        if not ORIGIN.match(origin):
            raise ValidationError(
                "%(origin)r is no web origin: write scheme and host, such as https://app.example.",
                params={"origin": origin},
            )


def validate_pattern(pattern: str) -> None:
    """Refuse what is no pattern in the syntax of RE2."""
    wrong = explain_pattern(pattern)
    if wrong:
        raise ValidationError(wrong)


class TokenFormat(models.TextChoices):
    """How an access token is written."""

    JWT = "jwt", "JSON Web Token"
    OPAQUE = "opaque", "opaque"


class SigningAlgorithm(models.TextChoices):
    """The signature algorithms of tokens. Source: RFC 7518 section 3.1, RFC 8037."""

    ES256 = "ES256", "ES256 (ECDSA, P-256)"
    RS256 = "RS256", "RS256 (RSA, PKCS #1)"
    PS256 = "PS256", "PS256 (RSA, PSS)"
    EDDSA = "EdDSA", "EdDSA (Ed25519)"
    HS256 = "HS256", "HS256 (symmetric)"


class GrantTypeChoice(models.TextChoices):
    """The `grant_type` values that a client may be given."""

    CLIENT_CREDENTIALS = "client_credentials", "Client credentials"
    REFRESH_TOKEN = "refresh_token", "Refresh token"
    AUTHORIZATION_CODE = "authorization_code", "Authorization code"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer", "JWT bearer"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange", "Token exchange"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code", "Device code"
    MASTER_TOKEN = "urn:authplatform:grant-type:master-token", "Master token"


def lifetime_field(
    maximum_seconds: int, help_text: str
) -> models.PositiveIntegerField[int | None, int | None]:
    """Make an optional field for a lifetime in seconds."""
    return models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(maximum_seconds)],
        help_text=help_text,
    )


class Entity(models.Model):
    """An entity of the configuration; its id may be chosen by who creates it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        abstract = True


class TokenLifetimes(models.Model):
    """The lifetimes that every level may set as default and as ceiling, in seconds."""

    access_token_lifetime_seconds = lifetime_field(
        MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
        "How long an access token lives. Empty: the level above decides.",
    )
    max_access_token_lifetime_seconds = lifetime_field(
        MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
        "No access token below this level lives longer, whatever its client says.",
    )
    refresh_token_lifetime_seconds = lifetime_field(
        MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
        "How long a session may be refreshed, counted from its beginning.",
    )
    max_refresh_token_lifetime_seconds = lifetime_field(
        MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
        "No session below this level is refreshed for longer.",
    )
    refresh_token_idle_lifetime_seconds = lifetime_field(
        MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
        "How long a refresh token stays good without being used.",
    )
    max_refresh_token_idle_lifetime_seconds = lifetime_field(
        MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
        "No refresh token below this level stays good unused for longer.",
    )

    class Meta:
        abstract = True


class TokenChoices(models.Model):
    """The choices that every level may make for its tokens."""

    access_token_format = models.CharField(
        max_length=8,
        choices=TokenFormat,
        blank=True,
        default="",
        help_text="JWT can be verified offline; an opaque token must be introspected.",
    )
    claim_profile = models.CharField(
        max_length=63,
        blank=True,
        default="",
        help_text="How the claims are laid out: rfc9068, spaceblocks, onewelcome, thinktecture, "
        "aidbox, or the slug of a claim profile of the tenant.",
    )

    class Meta:
        abstract = True


SETTINGS_FIELDS: tuple[str, ...] = (
    "access_token_lifetime_seconds",
    "max_access_token_lifetime_seconds",
    "refresh_token_lifetime_seconds",
    "max_refresh_token_lifetime_seconds",
    "refresh_token_idle_lifetime_seconds",
    "max_refresh_token_idle_lifetime_seconds",
    "access_token_format",
    "claim_profile",
)
