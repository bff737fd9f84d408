"""A grant that outlives one token."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class Session(models.Model):
    """What was granted once and can be refreshed; the family of its refresh tokens."""

    personal_data: ClassVar = PersonalData("subject", left={"address": "", "user_agent": ""})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False, null=True)
    trust_profile = loose_key("tenants.TrustProfile", db_index=False, null=True)
    app_tenant_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - a cut-off compares it.
    app_subject_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - as above.
    grant_type = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=128))
    audiences = ArrayField(models.CharField(max_length=255))
    api_ids = ArrayField(models.UUIDField(), help_text="By which a cut-off of an Api ends it.")
    sign_in_id = models.UUIDField(null=True)
    authenticated_at = models.DateTimeField(null=True)
    acr = models.CharField(max_length=64, blank=True, default="")
    amr = ArrayField(models.CharField(max_length=32), blank=True, default=list)
    claims_request = models.JSONField(
        default=dict, help_text="The `claims` of the request (OpenID Connect Core section 5.5)."
    )
    is_offline = models.BooleanField(
        default=False, help_text="Whether it goes on when the person signs out."
    )
    cut_off_number = models.BigIntegerField(
        help_text="Read from the database together with the subject; a refresh never renews it."
    )
    address = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ("-started_at",)
        indexes = [
            models.Index(fields=["tenant", "-started_at"], name="tokens_session_tenant"),
            models.Index(fields=["tenant", "client"], name="tokens_session_client"),
            models.Index(fields=["tenant", "subject"], name="tokens_session_subject"),
            models.Index(
                fields=["tenant", "app_subject_id", "-started_at"],
                condition=models.Q(app_subject_id__isnull=False),
                name="tokens_session_app_subject",
            ),
            models.Index(
                fields=["sign_in_id"],
                condition=models.Q(sign_in_id__isnull=False),
                name="tokens_session_sign_in",
            ),
            models.Index(fields=["expires_at"], name="tokens_session_expires_at"),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="tokens_session_ended_at",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
