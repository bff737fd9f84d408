"""What a tenant says about signing in, its look, and clients that register themselves."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

DAY_SECONDS = 86_400
MAX_SIGN_IN_LIFETIME_SECONDS = 90 * DAY_SECONDS
MAX_CONSENT_LIFETIME_SECONDS = 730 * DAY_SECONDS
validate_colour = RegexValidator(
    r"^#[0-9a-f]{6}\Z", "Write a colour as # and six lower-case hexadecimal digits: #0b57d0."
)


def _seconds(default: int, maximum: int, help_text: str) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(
        default=default,
        validators=[MinValueValidator(60), MaxValueValidator(maximum)],
        help_text=help_text,
    )


class SignInSettings(models.Model):
    """How end users sign in, and how long that and what they agree to last."""

    allow_password_sign_in = models.BooleanField(
        default=True, help_text="Let users sign in with e-mail address or name and a password."
    )
    allow_email_sign_in = models.BooleanField(
        default=True, help_text="Send a link that signs in, to a verified e-mail address."
    )
    allow_passkey_sign_in = models.BooleanField(
        default=True,
        help_text="Let users add and use passkeys (WebAuthn). They need a host name; an IP "
        "address as base URL offers none.",
    )
    allow_sign_up = models.BooleanField(
        default=False, help_text="Let anybody make an account with a verified e-mail address."
    )
    sign_in_lifetime_seconds = _seconds(
        12 * 3600,
        MAX_SIGN_IN_LIFETIME_SECONDS,
        "How long a user stays signed in in a browser, however active.",
    )
    sign_in_idle_lifetime_seconds = _seconds(
        2 * 3600,
        MAX_SIGN_IN_LIFETIME_SECONDS,
        "How long a user stays signed in without doing anything.",
    )
    consent_lifetime_seconds = _seconds(
        180 * DAY_SECONDS,
        MAX_CONSENT_LIFETIME_SECONDS,
        "How long what a user agreed to is remembered before they are asked again.",
    )

    class Meta:
        abstract = True


class Branding(models.Model):
    """How the pages for end users look; there is no HTML or CSS of the tenant's."""

    class Language(models.TextChoices):
        """The languages that the pages for end users speak."""

        ENGLISH = "en", "English"
        GERMAN = "de", "Deutsch"

    logo_uri = models.URLField(
        max_length=500,
        blank=True,
        default="",
        help_text="A PNG, JPEG, GIF or WebP image of at most 64 kB. This platform fetches it; "
        "browsers of end users never do.",
    )
    accent_colour = models.CharField(
        max_length=7,
        blank=True,
        default="",
        validators=[validate_colour],
        help_text="Of buttons and links, such as #0b57d0. Text on it turns black or white by "
        "contrast.",
    )
    default_language = models.CharField(
        max_length=2,
        choices=Language,
        default=Language.ENGLISH,
        help_text="Spoken to whom no other language was asked for.",
    )
    privacy_policy_uri = models.URLField(max_length=500, blank=True, default="")
    terms_of_service_uri = models.URLField(max_length=500, blank=True, default="")

    class Meta:
        abstract = True


class RegistrationSettings(models.Model):
    """Whether clients may register themselves. Source: RFC 7591."""

    class Registration(models.TextChoices):
        """Who may register a client."""

        OFF = "off", "nobody"
        TOKEN = "token", "who has an initial access token"
        OPEN = "open", "anybody"

    client_registration = models.CharField(
        max_length=8,
        choices=Registration,
        default=Registration.OFF,
        help_text="Who may register clients at /oauth/register (RFC 7591).",
    )
    max_registrations_per_day = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text="How many clients may register in a day (UTC), of all together.",
    )
    registered_client_idle_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="A registered client that asks for no token for so long is proposed for "
        "removal, then disabled, then deleted.",
    )
    allow_client_metadata_documents = models.BooleanField(
        default=False,
        help_text="Accept an https URL as client_id, which names the client's metadata document.",
    )

    class Meta:
        abstract = True


SIGN_IN_FIELDS: tuple[str, ...] = (
    "allow_password_sign_in",
    "allow_email_sign_in",
    "allow_passkey_sign_in",
    "allow_sign_up",
    "sign_in_lifetime_seconds",
    "sign_in_idle_lifetime_seconds",
    "consent_lifetime_seconds",
)
BRANDING_FIELDS: tuple[str, ...] = (
    "logo_uri",
    "accent_colour",
    "default_language",
    "privacy_policy_uri",
    "terms_of_service_uri",
)
REGISTRATION_FIELDS: tuple[str, ...] = (
    "client_registration",
    "max_registrations_per_day",
    "registered_client_idle_days",
    "allow_client_metadata_documents",
)
