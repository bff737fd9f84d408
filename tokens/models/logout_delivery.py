"""What clients are told when a person signs out. Source: OpenID Connect Back-Channel Logout 1.0."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class LogoutDelivery(models.Model):
    """One logout token for one client, delivered by a task until it arrives or is given up."""

    class Status(models.TextChoices):
        """How far the delivery has come."""

        PENDING = "pending", "pending"
        DELIVERED = "delivered", "delivered"
        GIVEN_UP = "given_up", "given up"

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, help_text="The token's `jti`.")
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False)
    sign_in_id = models.UUIDField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(help_text="When the row is purged at the latest.")
    last_error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name_plural = "logout deliveries"
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["sign_in_id", "client"], name="tokens_logoutdelivery_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="tokens_logoutdelivery_tenant"),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status="pending"),
                name="tokens_logoutdelivery_due",
            ),
            models.Index(fields=["expires_at"], name="tokens_logoutdelivery_expires"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
