"""How often a token of limited use was used."""

from __future__ import annotations

from django.db import models

from tokens.models.fields import loose_key


class UsageCounter(models.Model):
    """The uses of one access token: the introspections by resource servers that said `active`."""

    id = models.UUIDField(primary_key=True, help_text="The token's own id.")
    tenant = loose_key("tenants.Tenant", db_index=False)
    count = models.PositiveIntegerField()
    expires_at = models.DateTimeField(help_text="When the token expires.")

    class Meta:
        ordering = ("-expires_at",)
        indexes = [
            models.Index(fields=["tenant"], name="tokens_usagecounter_tenant"),
            models.Index(fields=["expires_at"], name="tokens_usagecounter_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.count}"
