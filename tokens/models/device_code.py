"""A device code and its user code. Source: RFC 8628 section 3.2."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class DeviceCode(models.Model):
    """A pending authorization of a device; both codes are stored as keyed hashes."""

    class Status(models.TextChoices):
        """How far the person has come."""

        PENDING = "pending", "pending"
        APPROVED = "approved", "approved"
        DENIED = "denied", "denied"
        USED = "used", "used"

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False, null=True)
    sign_in_id = models.UUIDField(null=True)
    authenticated_at = models.DateTimeField(null=True)
    acr = models.CharField(max_length=64, blank=True, default="")
    amr = ArrayField(models.CharField(max_length=32), blank=True, default=list)
    session_id = models.UUIDField(null=True, help_text="The session that began with it.")
    api_slug = models.CharField(max_length=63, blank=True, default="")
    interval_seconds = models.PositiveSmallIntegerField(default=5)
    address = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    pepper_id = models.CharField(max_length=32)
    secret_hash = models.BinaryField(max_length=32)
    user_code_hash = models.BinaryField(max_length=32)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    scopes = ArrayField(models.CharField(max_length=128))
    audiences = ArrayField(models.CharField(max_length=255))
    cut_off_number = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_polled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user_code_hash"], name="tokens_devicecode_user_code"
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="tokens_devicecode_expires_at"),
            models.Index(
                fields=["tenant", "client", "expires_at"],
                condition=models.Q(status="pending"),
                name="tokens_devicecode_pending",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
