"""How many subjects an outside issuer has brought into being on a day."""

from __future__ import annotations

from django.db import models

from tenants.models.tenant import Tenant
from tenants.models.trust_profile import TrustProfile


class SubjectQuota(models.Model):
    """A trust profile's count of its latest day, in UTC; the next day begins it anew."""

    trust_profile = models.OneToOneField(
        TrustProfile, models.CASCADE, primary_key=True, related_name="+"
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        ordering = ("tenant", "trust_profile")

    def __str__(self) -> str:
        return f"{self.trust_profile_id} on {self.day}: {self.count}"
