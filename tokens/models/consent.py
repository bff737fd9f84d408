"""What a person agreed to."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class Consent(models.Model):
    """The scopes that a subject granted to a client until the consent expires or is withdrawn."""

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False)
    scopes = ArrayField(models.CharField(max_length=128))
    scope_ids = ArrayField(
        models.UUIDField(),
        default=list,
        help_text="The scopes that were agreed to: another one of the same name is asked for.",
    )
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-granted_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject", "client"], name="tokens_consent_client"
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="tokens_consent_expires_at")]

    def __str__(self) -> str:
        return str(self.pk)
