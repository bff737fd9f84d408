"""The tenant: the isolation boundary with its own issuer and keys."""

from __future__ import annotations

import os

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.fields import (
    Entity,
    SigningAlgorithm,
    TokenChoices,
    TokenLifetimes,
    validate_slug,
)
from tenants.models.platform import (
    DEFAULT_RETENTION_SECONDS,
    MAX_RETENTION_SECONDS,
    Environment,
)
from tenants.models.request_limits import RequestLimits
from tenants.models.sign_in import Branding, RegistrationSettings, SignInSettings

SALT_BYTES = 32


def make_salt() -> bytes:
    """Make the salt of a tenant's pairwise ids."""
    return os.urandom(SALT_BYTES)


class IssuerReservation(models.Model):
    """An issuer path that was given once and is never given again, even after deletion."""

    path = models.CharField(primary_key=True, max_length=200)
    reserved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("path",)

    def __str__(self) -> str:
        return self.path


class Tenant(
    Entity,
    TokenLifetimes,
    TokenChoices,
    RequestLimits,
    SignInSettings,
    Branding,
    RegistrationSettings,
):
    """A customer's own authorization server: issuer, keys, clients and rules."""

    class ScopeExcess(models.TextChoices):
        """What happens when a client asks for more scope than it may have."""

        REJECT = "reject", "refuse the request"
        NARROW = "narrow", "grant what is allowed"

    environment = models.ForeignKey(Environment, models.PROTECT, related_name="tenants")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    path = models.CharField(max_length=200, unique=True, editable=False)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    is_enabled = models.BooleanField(
        default=True, help_text="A disabled tenant issues nothing and accepts nothing."
    )
    is_built_in = models.BooleanField(default=False, editable=False)
    signing_algorithm = models.CharField(
        max_length=8,
        choices=SigningAlgorithm,
        default=SigningAlgorithm.ES256,
        help_text="The algorithm of tokens whose Api names none.",
    )
    scope_excess = models.CharField(
        max_length=8,
        choices=ScopeExcess,
        default=ScopeExcess.REJECT,
        help_text="What happens when a client asks for more scope than it may have.",
    )
    issuer_override = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        default=None,
        help_text="The `iss` of the legacy claim profiles, where their consumers expect another.",
    )
    allow_typed_secrets = models.BooleanField(
        default=False,
        help_text="Let people choose client secrets. Each check of such a secret is slow on "
        "purpose, and so is each refusal of a client in this tenant.",
    )
    allow_json_token_requests = models.BooleanField(
        default=False, help_text="Accept JSON bodies at the token endpoint beside forms."
    )
    allow_spaceblocks_alias = models.BooleanField(
        default=False, help_text="Serve /token-manager/token for callers of Space Blocks."
    )
    allow_aidbox_alias = models.BooleanField(
        default=False, help_text="Serve /auth/token and /Session for callers of Aidbox."
    )

    refusal_retention_seconds = models.PositiveIntegerField(
        default=DEFAULT_RETENTION_SECONDS,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_RETENTION_SECONDS)],
        help_text="How long the trace of a refused request can be found, within what the platform "
        "keeps.",
    )

    pairwise_salt = models.BinaryField(
        max_length=SALT_BYTES,
        default=make_salt,
        editable=False,
        help_text="By which pairwise ids are made (OpenID Connect Core section 8.1).",
    )

    class Meta:
        ordering = ("path",)
        constraints = [
            models.UniqueConstraint(fields=["environment", "slug"], name="tenants_tenant_slug")
        ]
        # For the search by how a text begins; a unique text such as the path has its own.
        indexes = [
            models.Index(
                fields=["slug"],
                name="tenants_tenant_slug_begins",
                opclasses=["varchar_pattern_ops"],
            ),
            models.Index(
                fields=["name"],
                name="tenants_tenant_name_begins",
                opclasses=["varchar_pattern_ops"],
            ),
        ]

    def __str__(self) -> str:
        return self.path
