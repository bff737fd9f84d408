"""The history of the configuration: any entity at any version."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from tenants.models.audit import AuditEvent


class ConfigurationChange(models.Model):
    """One entity's state after one change; the newest up to a version is the entity at it."""

    class ScopeKind(models.TextChoices):
        """Whose version counter the change raised."""

        PLATFORM = "platform", "platform"
        ENVIRONMENT = "environment", "environment"
        TENANT = "tenant", "tenant"
        CLIENT = "client", "client"

    id = models.BigAutoField(primary_key=True)
    transaction_id = models.BigIntegerField(
        editable=False, help_text="The database transaction, by which snapshots find new changes."
    )
    scope_kind = models.CharField(max_length=16, choices=ScopeKind)
    scope_id = models.CharField(max_length=36)
    tenant_id = models.UUIDField(null=True, blank=True)
    version = models.PositiveBigIntegerField()
    entity_kind = models.CharField(max_length=32)
    entity_id = models.CharField(max_length=36)
    state = models.JSONField(null=True, help_text="The entity afterwards; null when it is gone.")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    # Why: the event's erasable detail, so that no free text outlives an erasure here.
    audit_event = models.ForeignKey(
        AuditEvent, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["transaction_id"], name="tenants_change_transaction"),
            models.Index(
                fields=["scope_kind", "scope_id", "-version"], name="tenants_change_scope_version"
            ),
            models.Index(fields=["entity_id", "-id"], name="tenants_change_entity"),
            models.Index(fields=["tenant_id", "-id"], name="tenants_change_tenant"),
            BrinIndex(fields=["changed_at"], name="tenants_change_changed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.entity_kind} {self.entity_id} @ {self.version}"
