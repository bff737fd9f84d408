"""A rule that allows or denies the issue of tokens."""

from __future__ import annotations

from django.db import models

from tenants.models.api import Api
from tenants.models.client import Client
from tenants.models.fields import Entity, validate_slug
from tenants.models.tenant import Tenant


class AccessPolicy(Entity):
    """A rule of a tenant: deny wins, and nothing is allowed by being absent."""

    class Effect(models.TextChoices):
        """What a matching policy does."""

        ALLOW = "allow", "allow"
        DENY = "deny", "deny"

    class Engine(models.TextChoices):
        """How the rule is evaluated."""

        ALLOW = "allow", "always matches"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="access_policies")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    description = models.TextField(max_length=2000, blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    effect = models.CharField(max_length=8, choices=Effect, default=Effect.ALLOW)
    engine = models.CharField(max_length=16, choices=Engine, default=Engine.ALLOW)
    clients = models.ManyToManyField(
        Client, blank=True, related_name="access_policies", help_text="Empty: every client."
    )
    apis = models.ManyToManyField(
        Api, blank=True, related_name="access_policies", help_text="Empty: every Api."
    )

    class Meta:
        verbose_name_plural = "access policies"
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_accesspolicy_slug")
        ]

    def __str__(self) -> str:
        return self.slug
