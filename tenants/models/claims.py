"""How a token record becomes claims: a tenant's profiles and added claims."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models

from tenants.models.api import Api
from tenants.models.client import Client
from tenants.models.fields import Entity, GrantTypeChoice, validate_slug
from tenants.models.tenant import Tenant


class ClaimProfile(Entity):
    """A tenant's variant of a built-in claim profile."""

    class Base(models.TextChoices):
        """The built-in claim profiles."""

        RFC9068 = "rfc9068", "RFC 9068"
        SPACEBLOCKS = "spaceblocks", "Space Blocks"
        ONEWELCOME = "onewelcome", "OneWelcome"
        THINKTECTURE = "thinktecture", "Thinktecture"
        AIDBOX = "aidbox", "Aidbox"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="claim_profiles")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    base = models.CharField(max_length=16, choices=Base)
    is_dual = models.BooleanField(
        default=False,
        help_text="Emit the names of RFC 9068 beside the base's own while consumers migrate.",
    )
    group_claims_budget_bytes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(65_536)],
        help_text="Group claims that take more are left out of a JWT, with a marker. "
        "Empty: as the base.",
    )

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_claimprofile_slug")
        ]

    def __str__(self) -> str:
        return self.slug


class ClaimRule(Entity):
    """A claim that is added where its links and its condition match."""

    class Source(models.TextChoices):
        """Where the value comes from."""

        CONSTANT = "constant", "the value as it stands"
        TEMPLATE = "template", "a text with ${name} in it"
        RECORD = "record", "a field of the token record"
        SUBJECT_ATTRIBUTE = "subject_attribute", "an attribute of the subject"
        FOREIGN_CLAIM = "foreign_claim", "a verified claim of the outside token"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="claim_rules")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    claim = models.CharField(
        max_length=200, help_text="The claim's name; registered and reserved names are refused."
    )
    source = models.CharField(max_length=20, choices=Source, default=Source.CONSTANT)
    value = models.JSONField(
        help_text="The value, as JSON: any for a constant, a text with ${name} for a template, "
        "otherwise the name of what is read."
    )
    condition = models.JSONField(
        default=dict,
        blank=True,
        help_text="A pattern (as in the policy engine match) over what the rule may read. "
        "Empty: always.",
    )
    is_required = models.BooleanField(
        default=False, help_text="Whether a token is refused where the value is absent."
    )
    api = models.ForeignKey(Api, models.CASCADE, null=True, blank=True, related_name="claim_rules")
    client = models.ForeignKey(
        Client, models.CASCADE, null=True, blank=True, related_name="claim_rules"
    )
    grant_type = models.CharField(max_length=64, choices=GrantTypeChoice, blank=True, default="")

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_claimrule_slug")
        ]

    def __str__(self) -> str:
        return self.slug
