"""A credential that creates users and user tokens (Ideavate's master token)."""

from __future__ import annotations

import ipaddress

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.api import Scope
from tenants.models.client import Client
from tenants.models.fields import Entity, validate_origins, validate_slug
from tenants.models.tenant import Tenant

MAX_USERS_PER_DAY = 1_000_000
MAX_LISTED = 100


def validate_networks(texts: list[str]) -> None:
    """Refuse what is neither an address nor a network such as `198.51.100.0/24`."""
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise ValidationError(
                "%(text)r is no IP address or network: write 198.51.100.7 or 198.51.100.0/24.",
                params={"text": text},
            ) from None


def _quota(default: int, help_text: str) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(
        default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_USERS_PER_DAY)],
        help_text=help_text,
    )


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
    is_enabled = models.BooleanField(
        default=True, help_text="Disabling it ends at once every token that it has given."
    )
    scopes = models.ManyToManyField(
        Scope, blank=True, related_name="+", help_text="What it may delegate at most."
    )
    user_groups = ArrayField(
        models.CharField(max_length=63, validators=[validate_slug]),
        size=MAX_LISTED,
        blank=True,
        default=list,
        help_text="A private token reaches the users in one of these groups, by slug. "
        "Empty: all users of the tenant.",
    )
    allowed_origins = ArrayField(
        models.CharField(max_length=255),
        size=MAX_LISTED,
        blank=True,
        default=list,
        validators=[validate_origins],
        help_text="Web origins whose scripts may use it; then nobody else may. This is no "
        "authentication: programs send whatever origin they like. Empty: no check.",
    )
    allowed_addresses = ArrayField(
        models.CharField(max_length=49),
        size=MAX_LISTED,
        blank=True,
        default=list,
        validators=[validate_networks],
        help_text="Addresses or networks it may be used from. Empty: any.",
    )
    max_users_per_address_per_day = _quota(
        10, "How many users a public token makes for one address (IPv6: /64) in a day (UTC)."
    )
    max_users_per_day = _quota(1_000, "How many users a public token makes in a day (UTC).")
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
