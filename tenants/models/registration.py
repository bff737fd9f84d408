"""Clients that registered themselves, and the tokens by which they may."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.client import Client
from tenants.models.fields import Entity
from tenants.models.tenant import Tenant


class InitialAccessToken(Entity):
    """A credential by which clients may be registered. Source: RFC 7591 section 1.2."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="initial_access_tokens")
    label = models.CharField(max_length=100)
    is_enabled = models.BooleanField(default=True)
    max_clients = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text="How many clients may be registered by it in all.",
    )
    registered_clients = models.PositiveIntegerField(default=0, editable=False)
    pepper_id = models.CharField(max_length=32, editable=False)
    token_hash = models.BinaryField(max_length=32, editable=False)
    hint = models.CharField(max_length=16, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("tenant", "label")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "label"], name="tenants_initialaccesstoken_label"
            )
        ]

    def __str__(self) -> str:
        return self.label


class ClientRegistration(Entity):
    """How a client came into being by itself. Source: RFC 7592 section 3.

    A client of a metadata document has neither token nor initial access token, and its document's
    times instead.
    """

    class Source(models.TextChoices):
        """How the client made itself known."""

        REGISTERED = "registered", "registered (RFC 7591)"
        DOCUMENT = "document", "metadata document at its client_id"

    class Stage(models.TextChoices):
        """How far the removal of an unused client has come."""

        LIVE = "live", "in use"
        PROPOSED = "proposed", "proposed for removal"
        DISABLED = "disabled", "disabled"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    client = models.OneToOneField(Client, models.CASCADE, related_name="registration")
    source = models.CharField(max_length=12, choices=Source)
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.LIVE)
    stage_since = models.DateTimeField()
    initial_access_token = models.ForeignKey(
        InitialAccessToken, models.SET_NULL, null=True, blank=True, related_name="registrations"
    )
    pepper_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    token_hash = models.BinaryField(max_length=32, null=True, editable=False)
    registered_at = models.DateTimeField()
    last_used_at = models.DateTimeField(help_text="When it last got a token; written in batches.")
    document_fetched_at = models.DateTimeField(null=True, blank=True, editable=False)
    document_expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("tenant", "registered_at")
        indexes = [
            models.Index(fields=["tenant", "registered_at"], name="tenants_registration_day"),
            models.Index(fields=["stage", "last_used_at"], name="tenants_registration_idle"),
        ]

    def __str__(self) -> str:
        return str(self.client_id)
