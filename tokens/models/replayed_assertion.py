"""The `jti` values of assertions that were used. Source: RFC 7523 section 3."""

from __future__ import annotations

from django.db import models

from tokens.models.fields import loose_key


class ReplayedAssertion(models.Model):
    """An assertion that was accepted once and is refused until it has expired.

    So is a challenge or a `state` of our own that was answered; its issuer is the tenant.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    issuer_id = models.UUIDField(help_text="The trust profile, or the client itself.")
    assertion_hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("expires_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer_id", "assertion_hash"],
                name="tokens_replay_once",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="tokens_replay_expires_at")]

    def __str__(self) -> str:
        return str(self.pk)
