"""The end of a tenant: what remains of it on the platform."""

from __future__ import annotations

from django.db import models


class Offboarding(models.Model):
    """A tenant that leaves or has left; its id was the tenant's, and its report proves the end."""

    id = models.UUIDField(primary_key=True)
    path = models.CharField(max_length=200)
    begun_at = models.DateTimeField(auto_now_add=True)
    delete_after = models.DateTimeField(
        help_text="Until then the tenant can be kept, by enabling it again."
    )
    finished_at = models.DateTimeField(null=True, editable=False)
    report = models.JSONField(
        default=dict, editable=False, help_text="Rows by table, before and after."
    )

    class Meta:
        ordering = ("-begun_at",)

    def __str__(self) -> str:
        return self.path
