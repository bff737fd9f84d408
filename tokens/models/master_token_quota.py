"""How many users a public master token has made on a day."""

from __future__ import annotations

from django.db import models

from tokens.models.fields import loose_key


class MasterTokenQuota(models.Model):
    """A day's count of one master token for one address, or for all where the address is empty."""

    id = models.BigAutoField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    master_token = loose_key("tenants.MasterToken", db_index=False)
    day = models.DateField()
    address = models.CharField(max_length=49, blank=True, default="")
    count = models.PositiveIntegerField()

    class Meta:
        ordering = ("-day", "master_token", "address")
        constraints = [
            models.UniqueConstraint(
                fields=["master_token", "day", "address"], name="tokens_mastertokenquota_once"
            )
        ]
        indexes = [
            models.Index(fields=["day"], name="tokens_mastertokenquota_day"),
            models.Index(fields=["tenant"], name="tokens_mastertokenquota_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.master_token_id} on {self.day}: {self.count}"
