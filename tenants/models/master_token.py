"""A credential that creates users and user tokens (Ideavate's master token)."""

from __future__ import annotations

from django.db import models

from tenants.models.api import Scope
from tenants.models.client import Client
from tenants.models.fields import Entity
from tenants.models.tenant import Tenant


class MasterToken(Entity):
    """A public or private credential that belongs to one client and always expires."""

    class Kind(models.TextChoices):
        """Whether the token is shipped inside an application."""

        PUBLIC = "public", "public (inside an application)"
        PRIVATE = "private", "private (on a server)"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="master_tokens")
    client = models.ForeignKey(Client, models.CASCADE, related_name="master_tokens")
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    is_enabled = models.BooleanField(default=True)
    scopes = models.ManyToManyField(
        Scope, blank=True, related_name="+", help_text="What it may delegate at most."
    )
    pepper_id = models.CharField(max_length=32, editable=False)
    token_hash = models.BinaryField(max_length=32, editable=False)
    hint = models.CharField(max_length=16, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("tenant", "label")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "label"], name="tenants_mastertoken_label")
        ]

    def __str__(self) -> str:
        return self.label
