"""One refresh token of a session's family. Source: RFC 9700 section 4.14."""

from __future__ import annotations

from django.db import models

from tokens.models.fields import loose_key
from tokens.models.session import Session


class RefreshToken(models.Model):
    """A refresh token that works once; its answer is kept for the grace, encrypted."""

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="refresh_tokens")
    pepper_id = models.CharField(max_length=32)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)
    repeated_answer = models.BinaryField(
        null=True,
        help_text="The answer of the rotation, under a key derived from the presented token.",
    )

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["expires_at"], name="tokens_refreshtoken_expires_at"),
            models.Index(
                fields=["consumed_at"],
                condition=models.Q(repeated_answer__isnull=False),
                name="tokens_refreshtoken_answer",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
