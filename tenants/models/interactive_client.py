"""What a client says that sends people to sign in."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from tenants.models.fields import MAX_REFRESH_TOKEN_LIFETIME_SECONDS, SigningAlgorithm
from tenants.models.trust_profile import TrustProfile

MAX_OFFLINE_CHOICES = 6
MAX_SESSIONS = 1_000
MAX_AGE_SECONDS = 31_536_000
validate_host = RegexValidator(
    r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z", "Write a host name, such as app.example."
)


def _page(help_text: str) -> models.URLField[str, str]:
    return models.URLField(max_length=500, blank=True, default="", help_text=help_text)


class InteractiveClient(models.Model):
    """The part of a client that the authorization endpoint, consent and logout read."""

    class SubjectType(models.TextChoices):
        """How the client knows a user. Source: OpenID Connect Core section 8."""

        PUBLIC = "public", "by the same id as all clients"
        PAIRWISE = "pairwise", "by an id of its own (pairwise)"

    class OnSessionLimit(models.TextChoices):
        """What happens to one session more than a user may have."""

        REFUSE = "refuse", "refuse the new one"
        END_OLDEST = "end_oldest", "end the oldest"

    client_uri = _page("The client's home page, shown where a person is asked for consent.")
    logo_uri = _page("Its logo; fetched by this platform, never by a person's browser.")
    policy_uri = _page("Its privacy policy.")
    tos_uri = _page("Its terms of service.")
    initiate_login_uri = _page("Where a sign-in begins that the client did not ask for (https).")
    is_pkce_exempt = models.BooleanField(
        default=False,
        help_text="Only for a confidential client that sends a nonce with every request and can't "
        "do PKCE (RFC 9700 section 2.1.1). An owner must switch it.",
    )
    requires_offline_access = models.BooleanField(
        default=True,
        help_text="Give people's refresh tokens only where they agreed to offline_access.",
    )
    offline_lifetimes_seconds = ArrayField(
        models.PositiveIntegerField(
            validators=[
                MinValueValidator(60),
                MaxValueValidator(MAX_REFRESH_TOKEN_LIFETIME_SECONDS),
            ]
        ),
        blank=True,
        default=list,
        size=MAX_OFFLINE_CHOICES,
        help_text="Among which durations of offline access a person may choose, in seconds. "
        "Ceilings still hold. Empty: no choice.",
    )
    subject_type = models.CharField(max_length=8, choices=SubjectType, default=SubjectType.PUBLIC)
    sector_identifier = models.CharField(
        max_length=253,
        blank=True,
        default="",
        validators=[validate_host],
        help_text="Clients with the same one know a user by the same pairwise id. Empty: the host "
        "of the redirect URIs.",
    )
    id_token_signed_response_alg = models.CharField(
        max_length=8,
        choices=[choice for choice in SigningAlgorithm.choices if choice[0] != "HS256"],
        blank=True,
        default="",
        help_text="Empty: RS256, which every library expects, where the environment allows it.",
    )
    userinfo_signed_response_alg = models.CharField(
        max_length=8,
        choices=[choice for choice in SigningAlgorithm.choices if choice[0] != "HS256"],
        blank=True,
        default="",
        help_text="Empty: userinfo answers plain JSON.",
    )
    default_max_age_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_AGE_SECONDS)],
        help_text="How long ago a person may have signed in at most, where a request says nothing.",
    )
    require_auth_time = models.BooleanField(
        default=False, help_text="Always say in the ID token when the person signed in."
    )
    backchannel_logout_uri = _page(
        "Where this platform tells the client that a person signed out (https)."
    )
    backchannel_logout_session_required = models.BooleanField(
        default=False, help_text="Whether the client can't do without `sid` in a logout token."
    )
    max_sessions = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_SESSIONS)],
        help_text="How many sessions one user may have with this client. Empty: not limited.",
    )
    on_session_limit = models.CharField(
        max_length=12, choices=OnSessionLimit, default=OnSessionLimit.REFUSE
    )
    sign_in_profiles = models.ManyToManyField(
        TrustProfile,
        blank=True,
        related_name="+",
        help_text="Which identity providers the sign-in page offers to this client's users. "
        "Empty: all that are offered in the tenant.",
    )
    excluded_sign_in_profiles = models.ManyToManyField(
        TrustProfile, blank=True, related_name="+", help_text="And which of them it never offers."
    )

    class Meta:
        abstract = True


INTERACTIVE_FIELDS: tuple[str, ...] = (
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "is_pkce_exempt",
    "requires_offline_access",
    "offline_lifetimes_seconds",
    "subject_type",
    "sector_identifier",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "default_max_age_seconds",
    "require_auth_time",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "max_sessions",
    "on_session_limit",
)
