"""Who changed or ended what: one hash chain per tenant."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Coalesce

PLATFORM_CHAIN = models.Value(uuid.UUID(int=0), output_field=models.UUIDField())


class AuditEvent(models.Model):
    """One link of a tenant's chain; a person's words and address stand in it as digests only."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(null=True, blank=True, help_text="Null: the platform's chain.")
    sequence = models.PositiveBigIntegerField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    event = models.CharField(max_length=64)
    entity_kind = models.CharField(max_length=32, blank=True, default="")
    entity_id = models.CharField(max_length=64, blank=True, default="")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True, default="")
    detail_digest = models.BinaryField(max_length=32, null=True)
    occurred_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                Coalesce("tenant_id", PLATFORM_CHAIN),
                "sequence",
                name="tenants_auditevent_sequence",
            )
        ]
        indexes = [
            models.Index(fields=["tenant_id", "-id"], name="tenants_auditevent_tenant"),
            models.Index(fields=["entity_id", "-id"], name="tenants_auditevent_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.sequence}"


class AuditDetail(models.Model):
    """The erasable plain text behind an event's digest: address and free-text reason."""

    event = models.OneToOneField(
        AuditEvent, models.CASCADE, primary_key=True, related_name="detail"
    )
    tenant_id = models.UUIDField(null=True, blank=True)
    salt = models.BinaryField(max_length=16)
    address = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-event",)

    def __str__(self) -> str:
        return self.reason or self.address
