"""What the web processes share of the limits against abuse."""

from __future__ import annotations

from django.db import models

from tokens.models.fields import loose_key


class LimitState(models.Model):
    """What one client or address has used, and when it was refused last.

    A row comes into being when a process asks for a lease or reports failures, and goes soon after.
    The table is not logged: after a crash of the database everybody begins anew.
    """

    class Kind(models.TextChoices):
        """What is counted."""

        CLIENT = "client", "requests of a client"
        ADDRESS = "address", "requests from an address"
        FAILURES = "failures", "failed authentications"
        SIGN_IN = "sign_in", "failed sign-ins of an operator"
        SIGN_IN_ADDRESS = "sign_in_address", "sign-ins of operators from an address"

    id = models.UUIDField(primary_key=True, help_text="A digest of all that names the row.")
    tenant = loose_key("tenants.Tenant", db_index=False, null=True)
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=255, help_text="The client_id, or the digest of a token.")
    address = models.CharField(max_length=64, help_text="An address, or an IPv6 network.")
    spent_until = models.FloatField(
        help_text="When all that was leased will have been earned, in seconds since the epoch."
    )
    granted = models.PositiveIntegerField(help_text="How many requests the last lease has.")
    failures = models.PositiveIntegerField()
    limited_until = models.DateTimeField(
        null=True, help_text="When the request that was refused last would have passed."
    )
    expires_at = models.DateTimeField(help_text="From then on the row says nothing any more.")

    class Meta:
        ordering = ("-limited_until",)
        indexes = [
            models.Index(fields=["tenant", "-limited_until"], name="tokens_limitstate_limited"),
            models.Index(fields=["expires_at"], name="tokens_limitstate_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.address}".strip()
