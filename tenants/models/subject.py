"""The end users of a tenant; an operator is never one of them."""

from __future__ import annotations

from django.db import models

from tenants.models.fields import Entity, validate_slug
from tenants.models.tenant import Tenant
from tenants.models.trust_profile import TrustProfile


class Subject(Entity):
    """An end user of one tenant."""

    is_authenticated = True
    is_anonymous = False

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="subjects")
    name = models.CharField(max_length=200, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    is_email_verified = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(
        default=True, help_text="Disabling a subject ends its sessions and tokens."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("tenant", "id")
        indexes = [models.Index(fields=["tenant", "email"], name="tenants_subject_email")]

    def __str__(self) -> str:
        return self.name or str(self.pk)

    @property
    def is_active(self) -> bool:
        """Answer `is_enabled` under the name that Django's views expect of a user."""
        return self.is_enabled


class SubjectIdentity(Entity):
    """How a trust profile knows a subject."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="identities")
    trust_profile = models.ForeignKey(TrustProfile, models.CASCADE, related_name="identities")
    sub = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "subject identities"
        ordering = ("tenant", "trust_profile", "sub")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "trust_profile", "sub"], name="tenants_subjectidentity_sub"
            )
        ]

    def __str__(self) -> str:
        return self.sub


class Group(Entity):
    """A group of subjects and the permissions it gives them."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="groups")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    permissions = models.JSONField(default=list, blank=True, help_text="A list of texts.")
    subjects = models.ManyToManyField(Subject, blank=True, related_name="groups")

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_group_slug")
        ]

    def __str__(self) -> str:
        return self.slug
