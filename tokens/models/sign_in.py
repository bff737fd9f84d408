"""How end users are signed in in a browser, and the links that sign them in."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class SignIn(models.Model):
    """An end user who is signed in at a tenant in one browser; its id is `sid`.

    An operator's session has nothing in common with it: other cookie, other table. Sessions (of
    tokens) name the sign-in with which they began.
    """

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = loose_key("tenants.Tenant", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False)
    trust_profile = loose_key("tenants.TrustProfile", db_index=False, null=True)
    pepper_id = models.CharField(max_length=32)
    secret_hash = models.BinaryField(max_length=32)
    acr = models.CharField(max_length=64)
    amr = ArrayField(models.CharField(max_length=32), help_text="Source: RFC 8176.")
    cut_off_number = models.BigIntegerField()
    address = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField()
    authenticated_at = models.DateTimeField(help_text="When they last proved who they are.")
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ("-started_at",)
        indexes = [
            models.Index(fields=["tenant", "subject"], name="tokens_signin_subject"),
            models.Index(fields=["expires_at"], name="tokens_signin_expires_at"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class EmailLink(models.Model):
    """A link that was sent by mail and works once, within minutes."""

    class Purpose(models.TextChoices):
        """What following the link does."""

        SIGN_IN = "sign_in", "signs in"
        SIGN_UP = "sign_up", "makes an account"
        VERIFY = "verify", "verifies the address"
        RESET = "reset", "sets a new password"

    personal_data: ClassVar = PersonalData("subject")

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False, null=True)
    purpose = models.CharField(max_length=8, choices=Purpose)
    email = models.EmailField()
    pepper_id = models.CharField(max_length=32)
    secret_hash = models.BinaryField(max_length=32)
    browser_hash = models.BinaryField(
        max_length=32, help_text="Of the browser that asked, where the link must be followed."
    )
    sealed_request = models.TextField(
        max_length=8_192, blank=True, default="", help_text="Where the person goes on afterwards."
    )
    cut_off_number = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["tenant", "email"], name="tokens_emaillink_email"),
            models.Index(fields=["expires_at"], name="tokens_emaillink_expires_at"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
