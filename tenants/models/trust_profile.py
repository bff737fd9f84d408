"""An outside issuer whose tokens a tenant accepts."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.api import Scope
from tenants.models.fields import Entity, validate_slug
from tenants.models.tenant import Tenant


class TrustProfile(Entity):
    """An outside issuer, its keys and what may come of its tokens. Source: RFC 7523 section 3."""

    class Provisioning(models.TextChoices):
        """What happens when the issuer names a subject for the first time."""

        REFUSE = "refuse", "refuse unknown subjects"
        CREATE = "create", "create the subject"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="trust_profiles")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    issuer = models.CharField(max_length=255, help_text="Compared exactly with the `iss` claim.")
    audience = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="What `aud` must contain. Empty: this tenant's issuer.",
    )
    algorithms = ArrayField(
        models.CharField(max_length=8), help_text="The only algorithms that are accepted."
    )
    jwks_uri = models.URLField(
        max_length=500, blank=True, default="", help_text="Where the issuer publishes its keys."
    )
    jwks = models.JSONField(default=list, blank=True, help_text="Or its public keys, as JWK.")
    shared_secret_ciphertext = models.BinaryField(null=True, editable=False)
    kek_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    maximum_scopes = models.ManyToManyField(
        Scope, blank=True, related_name="+", help_text="No token from this issuer gets more."
    )
    scope_claim = models.CharField(max_length=64, default="scope")
    subject_claim = models.CharField(max_length=64, default="sub")
    maximum_age_seconds = models.PositiveIntegerField(
        default=3600,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="How long after its `iat` a token of this issuer is accepted at most.",
    )
    clock_skew_seconds = models.PositiveIntegerField(
        default=30, validators=[MaxValueValidator(300)], help_text="How far its clock may be off."
    )
    provisioning = models.CharField(max_length=8, choices=Provisioning, default=Provisioning.REFUSE)

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
