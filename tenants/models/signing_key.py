"""The signing keys of a tenant, in rings."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q, UUIDField, Value
from django.db.models.functions import Coalesce

from tenants.models.api import Api
from tenants.models.fields import Entity, SigningAlgorithm
from tenants.models.tenant import Tenant

NO_API = Value(uuid.UUID(int=0), output_field=UUIDField())


class SigningKey(Entity):
    """One key of the ring (tenant, algorithm, optional Api); the private part is encrypted."""

    class State(models.TextChoices):
        """The place of the key in its ring."""

        NEXT = "next", "next"
        CURRENT = "current", "current"
        PREVIOUS = "previous", "previous"
        RETIRED = "retired", "retired"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="signing_keys")
    api = models.ForeignKey(Api, models.PROTECT, null=True, blank=True, related_name="signing_keys")
    algorithm = models.CharField(max_length=8, choices=SigningAlgorithm)
    state = models.CharField(max_length=8, choices=State)
    kid = models.CharField(max_length=64)
    public_jwk = models.JSONField(null=True, blank=True)
    private_ciphertext = models.BinaryField(editable=False)
    kek_id = models.CharField(max_length=32, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("tenant", "algorithm", "created_at")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kid"], name="tenants_signingkey_kid"),
            models.UniqueConstraint(
                "tenant",
                "algorithm",
                Coalesce("api", NO_API),
                condition=Q(state="current"),
                name="tenants_signingkey_one_current",
            ),
            models.UniqueConstraint(
                "tenant",
                "algorithm",
                Coalesce("api", NO_API),
                condition=Q(state="next"),
                name="tenants_signingkey_one_next",
            ),
        ]

    def __str__(self) -> str:
        return self.kid
