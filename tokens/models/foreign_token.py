"""A token of a trusted outside issuer that was accepted directly."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class ForeignToken(models.Model):
    """What is kept of an outside token since it was first accepted, so that it can be ended.

    The outside token itself is never stored: its `jti`, or its signing input, is known by a digest.
    The id is made like an access token's: its time is the expiry. A row decides only whether the
    token has ended; what the token may do is read from the verified token each time.
    """

    personal_data: ClassVar = PersonalData("subject", left={})

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    trust_profile = loose_key("tenants.TrustProfile", db_index=False)
    token_hash = models.BinaryField(
        max_length=32, help_text="Digest of its jti, or of its signing input where it has none."
    )
    content_hash = models.BinaryField(
        max_length=32, help_text="Digest of its signing input: another one is another token."
    )
    subject = loose_key("tenants.Subject", db_index=False, null=True)
    api_ids = ArrayField(models.UUIDField())
    scopes = ArrayField(models.CharField(max_length=128))
    issued_at = models.DateTimeField(help_text="The outside token's own iat.")
    expires_at = models.DateTimeField(help_text="When it stops working here.")
    accepted_at = models.DateTimeField()
    cut_off_number = models.BigIntegerField(
        help_text="The newest cut-off's number when it was first accepted."
    )
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash", "tenant", "trust_profile"], name="tokens_foreigntoken_hash"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="tokens_foreigntoken_tenant"),
            models.Index(fields=["tenant", "subject", "-id"], name="tokens_foreigntoken_subject"),
            models.Index(fields=["expires_at"], name="tokens_foreigntoken_expires_at"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
