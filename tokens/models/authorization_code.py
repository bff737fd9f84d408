"""An authorization code. Source: RFC 6749 section 4.1.2."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class AuthorizationCode(models.Model):
    """A code that works once; a used one stays until it is purged, to notice a replay."""

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False)
    session_id = models.UUIDField(null=True, help_text="The session that began with it.")
    trust_profile = loose_key("tenants.TrustProfile", db_index=False, null=True)
    sign_in_id = models.UUIDField(null=True)
    authenticated_at = models.DateTimeField(null=True)
    acr = models.CharField(max_length=64, blank=True, default="")
    amr = ArrayField(models.CharField(max_length=32), blank=True, default=list)
    pepper_id = models.CharField(max_length=32)
    secret_hash = models.BinaryField(max_length=32)
    redirect_uri = models.CharField(max_length=2000)
    is_redirect_uri_required = models.BooleanField(
        default=True, help_text="Whether the request named it, so that its exchange must as well."
    )
    api_slug = models.CharField(max_length=63, blank=True, default="")
    scopes = ArrayField(models.CharField(max_length=128))
    audiences = ArrayField(models.CharField(max_length=255))
    nonce = models.CharField(max_length=512, blank=True, default="")
    code_challenge = models.CharField(max_length=128, blank=True, default="")
    claims_request = models.JSONField(
        default=dict, help_text="The `claims` of the request (OpenID Connect Core section 5.5)."
    )
    offline_lifetime_seconds = models.PositiveIntegerField(
        null=True, help_text="How long the person lets the client go on; null for no choice."
    )
    cut_off_number = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [models.Index(fields=["expires_at"], name="tokens_code_expires_at")]

    def __str__(self) -> str:
        return str(self.pk)
