"""By what an end user proves who they are: a password, passkeys."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models.fields import Entity
from tenants.models.subject import Subject
from tenants.models.tenant import Tenant
from tenants.personal_data import PersonalData


class SubjectPassword(Entity):
    """The password of an end user, as argon2id hash."""

    personal_data: ClassVar = PersonalData("subject")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    subject = models.OneToOneField(Subject, models.CASCADE, related_name="password")
    password_hash = models.CharField(max_length=255, editable=False)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("tenant", "subject")

    def __str__(self) -> str:
        return str(self.subject_id)


class Passkey(Entity):
    """A public key credential of an end user. Source: WebAuthn Level 3 section 4."""

    personal_data: ClassVar = PersonalData("subject")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="passkeys")
    credential_id = models.BinaryField(max_length=1023, editable=False)
    public_key = models.BinaryField(max_length=2048, editable=False)
    signature_count = models.PositiveBigIntegerField(default=0, editable=False)
    transports = ArrayField(models.CharField(max_length=32), blank=True, default=list, size=10)
    label = models.CharField(max_length=100)
    is_backed_up = models.BooleanField(
        default=False, help_text="Whether it is synchronised, and so survives its device."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("tenant", "subject", "created_at")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "credential_id"], name="tenants_passkey_credential_id"
            )
        ]

    def __str__(self) -> str:
        return self.label
