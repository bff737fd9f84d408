"""The end users of a tenant; an operator is never one of them."""

from __future__ import annotations

import json
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from tenants.models.fields import Entity, validate_slug
from tenants.models.group_details import (
    validate_group_attributes,
    validate_resources,
    validate_roles,
)
from tenants.models.tenant import Tenant
from tenants.models.trust_profile import TrustProfile
from tenants.personal_data import PersonalData

MAX_ATTRIBUTES = 100
MAX_ATTRIBUTES_BYTES = 16_384
validate_external_id = RegexValidator(
    r"^[\x21-\x7e]{1,255}\Z", "Use 1 to 255 printable ASCII characters without spaces."
)


def validate_attributes(attributes: object) -> None:
    """Refuse everything but a JSON object of bounded size."""
    if not isinstance(attributes, dict) or len(attributes) > MAX_ATTRIBUTES:
        raise ValidationError(f"Write a JSON object with at most {MAX_ATTRIBUTES} members.")


def validate_attributes_size(attributes: object) -> None:
    """Refuse what is larger than every token request of the subject should have to read."""
    text = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode("utf-8", "surrogatepass")) > MAX_ATTRIBUTES_BYTES:
        raise ValidationError(f"Write at most {MAX_ATTRIBUTES_BYTES} bytes of JSON.")


class Subject(Entity):
    """An end user of one tenant."""

    is_authenticated = True
    is_anonymous = False

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="subjects")
    external_id = models.CharField(  # noqa: DJ001 - null is not unique, an empty text would be.
        max_length=255,
        null=True,
        blank=True,
        default=None,
        validators=[validate_external_id],
        help_text="What the tenant's own systems call the user; unique in the tenant.",
    )
    name = models.CharField(max_length=200, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    is_email_verified = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict, blank=True, validators=[validate_attributes])
    is_enabled = models.BooleanField(
        default=True, help_text="Disabling a subject ends its sessions and tokens."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    erased_at = models.DateTimeField(
        null=True, editable=False, help_text="Since then only the id is left, as a pseudonym."
    )

    class Meta:
        ordering = ("tenant", "id")
        indexes = [
            models.Index(fields=["tenant", "email"], name="tenants_subject_email"),
            models.Index(fields=["tenant", "id"], name="tenants_subject_page"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "external_id"],
                name="tenants_subject_external_id",
                violation_error_message="Another user of the tenant has this external id.",
            )
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)

    @property
    def is_active(self) -> bool:
        """Answer `is_enabled` under the name that Django's views expect of a user."""
        return self.is_enabled


class SubjectIdentity(Entity):
    """How a trust profile knows a subject."""

    personal_data: ClassVar = PersonalData("subject")

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
    roles = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_roles],
        help_text="A list of texts, which the claim `roles` tells.",
    )
    attributes = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_group_attributes],
        help_text='A list such as [{"name": "region", "value": "north"}].',
    )
    resources = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_resources],
        help_text='A list such as [{"id": "7", "name": "Shop", "privilege": "order", '
        '"resource_type": {"id": "1", "name": "Store"}}].',
    )
    subjects = models.ManyToManyField(Subject, blank=True, related_name="groups")

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_group_slug")
        ]

    def __str__(self) -> str:
        return self.slug
