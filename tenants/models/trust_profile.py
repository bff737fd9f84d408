"""An outside issuer whose tokens a tenant accepts."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.api import Api, Scope
from tenants.models.fields import Entity, validate_slug
from tenants.models.tenant import Tenant
from tenants.trust import LONGEST_MAXIMUM_AGE_SECONDS, WIDEST_CLOCK_SKEW_SECONDS


class TrustProfile(Entity):
    """An outside issuer, its keys and what may come of its tokens. Source: RFC 7523 section 3."""

    class Kind(models.TextChoices):
        """How the issuer's tokens are proven."""

        JWT = "jwt", "signed (JWT)"
        OPAQUE = "opaque", "opaque, asked about at the issuer's introspection endpoint"

    class Provisioning(models.TextChoices):
        """What happens when the issuer names a subject for the first time."""

        REFUSE = "refuse", "refuse unknown subjects"
        CREATE = "create", "create the subject"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="trust_profiles")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.JWT)
    issuer = models.CharField(max_length=255, help_text="Compared exactly with the `iss` claim.")
    audience = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="What `aud` must contain. Empty: this tenant's issuer.",
    )
    algorithms = ArrayField(
        models.CharField(max_length=8),
        default=list,
        blank=True,
        help_text="The only algorithms that are accepted; none for opaque tokens.",
    )
    jwks_uri = models.URLField(
        max_length=500, blank=True, default="", help_text="Where the issuer publishes its keys."
    )
    jwks = models.JSONField(default=list, blank=True, help_text="Or its public keys, as JWK.")
    shared_secret_ciphertext = models.BinaryField(null=True, editable=False)
    kek_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    introspection_endpoint = models.URLField(
        max_length=500,
        blank=True,
        default="",
        help_text="Where an opaque token is asked about (RFC 7662). Opaque profiles only.",
    )
    introspection_client_id = models.CharField(
        max_length=255, blank=True, default="", help_text="As whom this platform asks there."
    )
    introspection_secret_ciphertext = models.BinaryField(null=True, editable=False)
    introspection_kek_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    token_prefix = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Only tokens that begin with this are sent to the introspection endpoint. "
        "Opaque profiles need one.",
    )
    maximum_scopes = models.ManyToManyField(
        Scope, blank=True, related_name="+", help_text="No token from this issuer gets more."
    )
    scope_claim = models.CharField(max_length=64, default="scope")
    scope_mapping = models.JSONField(
        default=dict,
        blank=True,
        help_text="From the issuer's scope names to lists of ours, such as "
        '{"plan": ["read:accounts"]}. Empty: the names are the same.',
    )
    required_claims = models.JSONField(
        default=dict,
        blank=True,
        help_text="A pattern (as in the policy engine match) that the token's claims must contain.",
    )
    subject_claim = models.CharField(max_length=64, default="sub")
    maximum_age_seconds = models.PositiveIntegerField(
        default=3600,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_MAXIMUM_AGE_SECONDS)],
        help_text="How long after its `iat` a token of this issuer is accepted at most.",
    )
    maximum_lifetime_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31_536_000)],
        help_text="How long after its `iat` a token may expire at most. Empty: not limited.",
    )
    clock_skew_seconds = models.PositiveIntegerField(
        default=30,
        validators=[MaxValueValidator(WIDEST_CLOCK_SKEW_SECONDS)],
        help_text="How far its clock may be off.",
    )
    provisioning = models.CharField(max_length=8, choices=Provisioning, default=Provisioning.REFUSE)
    max_subjects_per_day = models.PositiveIntegerField(
        default=10_000,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="How many subjects this issuer may create in a day.",
    )
    linking_claim = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="A claim, such as email, by which a subject that exists already is linked at "
        "first sight. Empty: never.",
    )
    linking_verified_claim = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="The claim that must be true for it, such as email_verified.",
    )
    is_accepted_directly = models.BooleanField(
        default=False,
        help_text="Whether the issuer's own tokens work at the linked Apis, without an exchange.",
    )
    direct_apis = models.ManyToManyField(
        Api,
        blank=True,
        related_name="+",
        help_text="Whose resource servers may introspect a token that is accepted directly.",
    )

    is_sign_in_offered = models.BooleanField(
        default=False,
        help_text="Whether people may sign in with this issuer (OpenID Connect, with code and "
        "PKCE). The audience must be the client_id below.",
    )
    sign_in_label = models.CharField(
        max_length=100, blank=True, default="", help_text="What the button says after its verb."
    )
    authorization_endpoint = models.URLField(max_length=500, blank=True, default="")
    token_endpoint = models.URLField(max_length=500, blank=True, default="")
    sign_in_client_id = models.CharField(
        max_length=255, blank=True, default="", help_text="As whom this platform asks there."
    )
    sign_in_secret_ciphertext = models.BinaryField(null=True, editable=False)
    sign_in_kek_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    sign_in_scopes = ArrayField(
        models.CharField(max_length=128),
        blank=True,
        default=list,
        size=20,
        help_text="What it asks for beside openid, such as email and profile.",
    )

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_trustprofile_slug"),
            models.UniqueConstraint(
                fields=["tenant", "issuer", "audience"], name="tenants_trustprofile_issuer"
            ),
        ]

    def __str__(self) -> str:
        return self.slug
