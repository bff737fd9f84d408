"""The operators of the platform and their roles; an end user is never one of them."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from tenants.models.fields import Entity
from tenants.models.tenant import Tenant


class User(AbstractUser):
    """An operator who signs in to the admin; a platform operator is a superuser."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = "operator"
        ordering = ("username",)


class Membership(Entity):
    """An operator's role in one tenant."""

    class Role(models.TextChoices):
        """What the operator may do there."""

        OWNER = "owner", "owner"
        CLIENT_MANAGER = "client_manager", "client manager"
        AUDITOR = "auditor", "auditor"
        SUPPORT = "support", "support"
        KEY_CUSTODIAN = "key_custodian", "key custodian"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)

    class Meta:
        ordering = ("tenant", "user")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "role"], name="tenants_membership_role"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()}"
