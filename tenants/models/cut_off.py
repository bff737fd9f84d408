"""Cut-offs: everything that matches and was begun before a number is dead."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.models.tenant import Tenant
from tenants.personal_data import PersonalData


class CutOff(models.Model):
    """Ends all tokens, codes and sessions of a tenant that match every selector that is set.

    Numbers come from one sequence under one advisory lock held to commit, so that they become
    visible in order; no clock decides.
    """

    personal_data: ClassVar = PersonalData("subject_id", left={})
    SELECTORS = (
        "client_id",
        "subject_id",
        "app_tenant_id",
        "app_subject_id",
        "api_id",
        "trust_profile_id",
        "master_token_id",
        "signing_key_id",
        "session_id",
        "token_id",
    )

    number = models.BigIntegerField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="cut_offs")
    client_id = models.UUIDField(null=True, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    app_tenant_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    app_subject_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    api_id = models.UUIDField(null=True, blank=True)
    trust_profile_id = models.UUIDField(null=True, blank=True)
    master_token_id = models.UUIDField(null=True, blank=True)
    signing_key_id = models.UUIDField(null=True, blank=True)
    session_id = models.UUIDField(null=True, blank=True)
    token_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    purge_after = models.DateTimeField(
        help_text="When the last thing that this cut-off can end has expired."
    )

    class Meta:
        ordering = ("-number",)
        indexes = [
            # Whether there is any younger one at all is asked first, for every token.
            models.Index(fields=["tenant", "number"], name="tenants_cutoff_after"),
            # The gate looks for those of a person, a session or a token apart from the others.
            models.Index(
                fields=["tenant", "number"],
                condition=models.Q(
                    subject_id=None, app_subject_id=None, session_id=None, token_id=None
                ),
                name="tenants_cutoff_broad",
            ),
            *(
                models.Index(
                    fields=["tenant", name, "number"],
                    condition=models.Q(**{f"{name}__isnull": False}),
                    name=f"tenants_cutoff_{name.removesuffix('_id')}",
                )
                for name in ("subject_id", "app_subject_id", "session_id", "token_id")
            ),
            models.Index(fields=["purge_after"], name="tenants_cutoff_purge_after"),
        ]

    def __str__(self) -> str:
        return f"cut-off {self.number}"
