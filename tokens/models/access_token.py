"""One issued access token."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.personal_data import PersonalData
from tokens.models.fields import loose_key


class AccessToken(models.Model):
    """One issued access token; partitioned by its id, whose time is the expiry.

    The id is the `jti`. Nothing in the database points at this table or leaves it, so that a
    partition can be dropped at any time.
    """

    class Format(models.TextChoices):
        """How the token is written."""

        JWT = "jwt", "JSON Web Token"
        OPAQUE = "opaque", "opaque"

    personal_data: ClassVar = PersonalData("subject", left={"facts": {"erased": True}})

    id = models.UUIDField(primary_key=True)
    tenant = loose_key("tenants.Tenant", db_index=False)
    client = loose_key("tenants.Client", db_index=False)
    subject = loose_key("tenants.Subject", db_index=False, null=True)
    session = loose_key("tokens.Session", db_index=False, null=True)
    parent_id = models.UUIDField(null=True)
    actor_token_id = models.UUIDField(
        null=True, help_text="The token of ours by which the actor of an exchange proved itself."
    )
    trust_profile = loose_key("tenants.TrustProfile", db_index=False, null=True)
    master_token = loose_key("tenants.MasterToken", db_index=False, null=True)
    signing_key = loose_key("tenants.SigningKey", db_index=False, null=True)
    api_ids = ArrayField(models.UUIDField())
    app_tenant_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - a cut-off compares it.
    app_subject_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - as above.
    actors = ArrayField(
        models.CharField(max_length=255),
        null=True,
        help_text="Who acts for the subject, the latest first; null where nobody does.",
    )
    usage_limit = models.PositiveIntegerField(
        null=True,
        help_text="How often resource servers may ask about it; null where that is not limited.",
    )
    format = models.CharField(max_length=8, choices=Format)
    pepper_id = models.CharField(max_length=32, blank=True, default="")
    secret_hash = models.BinaryField(max_length=32, null=True)
    grant_type = models.CharField(max_length=64)
    claim_profile = models.CharField(max_length=63)
    scopes = ArrayField(models.CharField(max_length=128))
    audiences = ArrayField(models.CharField(max_length=255))
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    cut_off_number = models.BigIntegerField(
        help_text="The number this process held when the request began."
    )
    configuration_versions = ArrayField(
        models.BigIntegerField(), help_text="Platform, environment, tenant, client."
    )
    facts = models.JSONField(help_text="The request without secrets, by which it is explained.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["tenant", "-id"], name="tokens_accesstoken_tenant"),
            # A client's own tokens, which are most, are not in it and cost nothing more.
            models.Index(
                fields=["tenant", "subject", "-id"],
                condition=models.Q(subject__isnull=False),
                name="tokens_accesstoken_subject",
            ),
            models.Index(
                fields=["tenant", "app_subject_id", "-id"],
                condition=models.Q(app_subject_id__isnull=False),
                name="tokens_accesstoken_app_subject",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
