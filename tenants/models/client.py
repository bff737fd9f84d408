"""A client of a tenant and its settings by grant."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from oauth2_provider.models import AbstractApplication

from tenants.impersonation import MAX_PATTERN_CHARACTERS, MAX_PATTERNS
from tenants.models.api import Scope
from tenants.models.fields import (
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
    Entity,
    GrantTypeChoice,
    TokenChoices,
    TokenLifetimes,
    lifetime_field,
    validate_client_id,
    validate_origins,
    validate_pattern,
)
from tenants.models.interactive_client import InteractiveClient
from tenants.models.request_limits import ClientLimits
from tenants.models.tenant import Tenant
from tenants.models.trust_profile import TrustProfile

if TYPE_CHECKING:
    from oauthlib.common import Request


class Client(
    AbstractApplication,  # type: ignore[misc]  # It has no types.
    TokenLifetimes,
    TokenChoices,
    ClientLimits,
    InteractiveClient,
):
    """An application that asks for tokens. Source: RFC 6749 section 2, RFC 7591 section 2."""

    class Kind(models.TextChoices):
        """What kind of software the client is."""

        SERVICE = "service", "backend service"
        WEB = "web", "web application"
        SPA = "spa", "single-page application"
        NATIVE = "native", "native application"
        DEVICE = "device", "device without browser"
        WORKLOAD = "workload", "workload with an outside identity"
        DYNAMIC = "dynamic", "dynamically registered"

    class AuthenticationMethod(models.TextChoices):
        """How the client proves who it is. Source: RFC 7591 section 2."""

        CLIENT_SECRET_BASIC = "client_secret_basic", "secret, HTTP Basic"
        CLIENT_SECRET_POST = "client_secret_post", "secret, request body"
        PRIVATE_KEY_JWT = "private_key_jwt", "signed assertion"
        WORKLOAD_IDENTITY = "workload_identity", "token of a trusted outside issuer"
        NONE = "none", "none (public client)"

    class GroupClaims(models.TextChoices):
        """How tokens tell the groups of the client's users."""

        NONE = "none", "not at all"
        RFC9068 = "rfc9068", "groups and entitlements (RFC 9068)"
        GROUP_PERMISSIONS = "group_permissions", "group_permissions (OneWelcome, version 1)"
        GROUP_POLICIES = "group_policies", "group_policies (OneWelcome, version 2)"

    # Fields of django-oauth-toolkit that have no meaning here.
    user = None
    client_secret = None
    hash_client_secret = None
    algorithm = None
    authorization_grant_type = None
    allowed_origins = None
    client_type = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="clients")
    client_id = models.CharField(max_length=255, validators=[validate_client_id])
    version = models.PositiveBigIntegerField(default=1, editable=False)
    is_enabled = models.BooleanField(
        default=True, help_text="A disabled client gets no tokens; disabling ends those it has."
    )
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.SERVICE)
    grant_types = ArrayField(
        models.CharField(max_length=64, choices=GrantTypeChoice), blank=True, default=list
    )
    token_endpoint_auth_method = models.CharField(
        max_length=32,
        choices=AuthenticationMethod,
        default=AuthenticationMethod.CLIENT_SECRET_BASIC,
        help_text="A client with a secret may send it either way unless the tenant is strict.",
    )
    jwks = models.JSONField(
        default=list, blank=True, help_text="Public keys for private_key_jwt, as a list of JWK."
    )
    jwks_uri = models.URLField(
        max_length=500, blank=True, default="", help_text="Or the address that serves them."
    )
    workload_trust_profile = models.ForeignKey(
        TrustProfile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="workload_clients",
        help_text="Whose tokens prove this client; for workload_identity only.",
    )
    workload_subject = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="The exact subject of such a token, "
        "such as repo:octo-org/octo-repo:environment:production.",
    )
    workload_claims = models.JSONField(
        default=dict,
        blank=True,
        help_text="A pattern (as in the policy engine match) that the token's claims must contain "
        "besides.",
    )
    scopes = models.ManyToManyField(
        Scope, blank=True, related_name="clients", help_text="What the client may ask for."
    )
    default_scopes = models.ManyToManyField(
        Scope,
        blank=True,
        related_name="default_clients",
        help_text="What it gets when it asks for nothing in particular.",
    )
    cors_allowed_origins = ArrayField(
        models.CharField(max_length=255),
        blank=True,
        default=list,
        validators=[validate_origins],
        help_text="Web origins whose scripts may call the token endpoint.",
    )
    refresh_token_enabled = models.BooleanField(
        null=True, blank=True, default=None, help_text="Whether this client gets refresh tokens."
    )

    group_claims = models.CharField(
        max_length=24,
        choices=GroupClaims,
        blank=True,
        default="",
        help_text="How tokens tell the groups of its users. Empty: as the claim profile does.",
    )
    may_impersonate = models.BooleanField(
        default=False,
        help_text="Whether it may ask for tokens in the name of its application's own subjects, by "
        "app_tenant_id and app_subject_id with client_credentials.",
    )
    impersonated_tenants = ArrayField(
        models.CharField(max_length=MAX_PATTERN_CHARACTERS, validators=[validate_pattern]),
        blank=True,
        default=list,
        size=MAX_PATTERNS,
        help_text="Patterns (RE2) of which one must match the whole app_tenant_id; where that may "
        "be left out, one must match the empty text. Empty: nobody.",
    )
    impersonated_subjects = ArrayField(
        models.CharField(max_length=MAX_PATTERN_CHARACTERS, validators=[validate_pattern]),
        blank=True,
        default=list,
        size=MAX_PATTERNS,
        help_text="Patterns (RE2) of which one must match the whole app_subject_id. Empty: nobody.",
    )
    impersonation_scopes = models.ManyToManyField(
        Scope,
        blank=True,
        related_name="impersonating_clients",
        help_text="Those of its scopes that a token in another's name may have. Empty: none.",
    )
    max_impersonated_token_lifetime_seconds = lifetime_field(
        MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
        "No token in another's name lives longer. Empty: as long as the client's own.",
    )

    class Meta(AbstractApplication.Meta):  # type: ignore[misc]  # as above.
        abstract = False
        ordering = ("tenant", "client_id")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "client_id"], name="tenants_client_client_id")
        ]
        indexes = [GinIndex(fields=["cors_allowed_origins"], name="tenants_client_origins")]

    def __str__(self) -> str:
        return self.client_id

    def clean(self) -> None:
        """Skip the inherited checks, which read removed fields; ours live in the service."""

    def get_absolute_url(self) -> str:
        """Answer the address of the client in the admin."""
        return reverse("admin:tenants_client_change", args=[self.pk])

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Say whether the client has one of the grants; the toolkit writes them with hyphens."""
        return any(grant_type.replace("-", "_") in self.grant_types for grant_type in grant_types)

    def is_usable(self, request: Request) -> bool:
        """Say whether the client exists for the tenant of this request."""
        return self.is_enabled and request.headers.get("authplatform.tenant") == self.tenant_id


class ClientGrantSettings(Entity, TokenLifetimes, TokenChoices):
    """What holds for one grant of one client only."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="grant_settings")
    grant_type = models.CharField(max_length=64, choices=GrantTypeChoice)
    refresh_token_enabled = models.BooleanField(null=True, blank=True, default=None)

    class Meta:
        verbose_name_plural = "client grant settings"
        ordering = ("client", "grant_type")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "grant_type"], name="tenants_clientgrantsettings_grant_type"
            )
        ]

    def __str__(self) -> str:
        return self.grant_type
