"""The live secrets of a client."""

from __future__ import annotations

from django.db import models

from tenants.models.client import Client
from tenants.models.fields import Entity
from tenants.models.tenant import Tenant


class ClientSecret(Entity):
    """One of several live secrets; only its keyed hash is stored."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="secrets")
    label = models.CharField(max_length=100)
    hint = models.CharField(
        max_length=16, blank=True, default="", help_text="The last characters, to tell it apart."
    )
    pepper_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    secret_hash = models.BinaryField(max_length=32, null=True, editable=False)
    typed_secret_hash = models.CharField(max_length=255, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("client", "created_at")
        constraints = [
            models.UniqueConstraint(fields=["client", "label"], name="tenants_clientsecret_label"),
            models.CheckConstraint(
                condition=models.Q(secret_hash__isnull=False) ^ ~models.Q(typed_secret_hash=""),
                name="tenants_clientsecret_one_hash",
            ),
        ]

    def __str__(self) -> str:
        return self.label
