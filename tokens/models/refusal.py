"""What was refused: a trace for the first of each kind, and a count of all."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key
from tokens.token_ids import expiry_of

UNKNOWN_CLIENT = models.Value(uuid.UUID(int=0), output_field=models.UUIDField())


class Refusal(models.Model):
    """One refused request with its trace; partitioned by its id, whose time is the refusal's.

    `client` is empty where nobody knows the client; what the caller wrote stays beside it.
    """

    personal_data: ClassVar = PersonalData("trace__request__subject", subject_type=str)

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    request_id = models.CharField(max_length=64)
    client = loose_key("tenants.Client", db_index=False, null=True)
    presented_client_id = models.CharField(max_length=255, blank=True, default="")
    operation = models.CharField(max_length=64)
    grant_type = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=64)
    error = models.CharField(max_length=64)
    address = models.CharField(max_length=45, blank=True, default="")
    trace = models.JSONField(help_text="Request, checks, policies and versions; no secrets.")

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["tenant", "-id"], name="tokens_refusal_tenant"),
            models.Index(fields=["tenant", "request_id"], name="tokens_refusal_request"),
            models.Index(
                fields=["tenant", "presented_client_id", "-id"], name="tokens_refusal_client"
            ),
        ]

    def __str__(self) -> str:
        return self.request_id

    @property
    def occurred_at(self) -> datetime:
        """When the request was refused."""
        return datetime.fromtimestamp(expiry_of(self.pk) / 1_000, UTC)


class RefusalCount(models.Model):
    """How often a tenant refused a client for one reason within one minute."""

    id = models.BigAutoField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    minute = models.DateTimeField()
    client = loose_key("tenants.Client", db_index=False, null=True)
    reason = models.CharField(max_length=64)
    count = models.PositiveBigIntegerField()

    class Meta:
        ordering = ("-minute",)
        constraints = [
            models.UniqueConstraint(
                "tenant",
                "minute",
                Coalesce("client", UNKNOWN_CLIENT),
                "reason",
                name="tokens_refusalcount_once",
            )
        ]
        indexes = [models.Index(fields=["minute"], name="tokens_refusalcount_minute")]

    def __str__(self) -> str:
        return f"{self.reason} x {self.count}"
