"""A protected resource server and its scopes."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models

from tenants.models.fields import (
    Entity,
    SigningAlgorithm,
    TokenChoices,
    TokenLifetimes,
    validate_audience,
    validate_scope_name,
    validate_slug,
)
from tenants.models.tenant import Tenant


class Api(Entity, TokenLifetimes, TokenChoices):
    """A protected resource server: one audience, its scopes and its token settings."""

    class BuiltIn(models.TextChoices):
        """The Apis that every tenant has."""

        OPENID = "openid", "OpenID Connect"
        MANAGEMENT = "management", "management API"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="apis")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    audience = models.CharField(
        max_length=255,
        validators=[validate_audience],
        help_text="The `aud` value by which this Api knows its tokens; never a client's id.",
    )
    built_in = models.CharField(
        max_length=16, choices=BuiltIn, blank=True, default="", editable=False
    )
    is_enabled = models.BooleanField(default=True, help_text="A disabled Api gets no new tokens.")
    allow_refresh_tokens = models.BooleanField(
        default=True, help_text="Whether tokens for this Api may be refreshed at all."
    )
    allow_limited_jwt = models.BooleanField(
        default=False,
        help_text="Whether tokens of limited use may be JSON Web Tokens. Careful: whoever verifies "
        "one offline does not count its use, so the limit holds only where this Api introspects.",
    )
    signing_algorithm = models.CharField(
        max_length=8,
        choices=SigningAlgorithm,
        blank=True,
        default="",
        help_text="Empty: the tenant's. HS256 gives this Api a symmetric key of its own.",
    )
    resource_server_clients = models.ManyToManyField(
        "tenants.Client",
        blank=True,
        related_name="resource_server_apis",
        help_text="The clients that may introspect this Api's tokens.",
    )

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_api_slug"),
            models.UniqueConstraint(fields=["tenant", "audience"], name="tenants_api_audience"),
        ]

    def __str__(self) -> str:
        return self.slug


class Scope(Entity):
    """A right at an Api. Source: RFC 6749 section 3.3."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="scopes")
    api = models.ForeignKey(Api, models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=128, validators=[validate_scope_name])
    title = models.CharField(max_length=200, blank=True, default="")
    description = models.TextField(max_length=2000, blank=True, default="")
    emphasized = models.BooleanField(
        default=False, help_text="Shown first and marked where a person is asked for consent."
    )
    usage_limit = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(1_000_000)],
        help_text="How often a token with this scope can be used; 0 for no limit.",
    )

    class Meta:
        ordering = ("tenant", "name")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="tenants_scope_name")
        ]

    def __str__(self) -> str:
        return self.name
