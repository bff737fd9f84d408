"""The platform's own settings, its projects and their environments."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models.fields import (
    Entity,
    GrantTypeChoice,
    SigningAlgorithm,
    TokenChoices,
    TokenLifetimes,
    validate_slug,
)
from tenants.models.request_limits import RequestLimits

DEFAULT_RETENTION_SECONDS = 7 * 86_400
MAX_RETENTION_SECONDS = 30 * 86_400


class Platform(TokenLifetimes, TokenChoices, RequestLimits):
    """The one row of platform-wide defaults and ceilings."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    token_retention_seconds = models.PositiveIntegerField(
        default=DEFAULT_RETENTION_SECONDS,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_RETENTION_SECONDS)],
        help_text="How long an expired access token can still be found by support.",
    )

    refusal_retention_seconds = models.PositiveIntegerField(
        default=DEFAULT_RETENTION_SECONDS,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_RETENTION_SECONDS)],
        help_text="How long the trace of a refused request can be found. A tenant may keep less.",
    )

    class Meta:
        verbose_name_plural = "platform"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="tenants_platform_single_row")
        ]

    def __str__(self) -> str:
        return "platform"


class Project(Entity):
    """A product whose stages and customers are kept together."""

    slug = models.CharField(max_length=63, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Environment(Entity, TokenLifetimes, TokenChoices, RequestLimits):
    """A stage of a project, with ceilings for all of its tenants."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="environments")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    version = models.PositiveBigIntegerField(default=1, editable=False)
    allowed_grant_types = ArrayField(
        models.CharField(max_length=64, choices=GrantTypeChoice),
        blank=True,
        default=list,
        help_text="No client below uses another grant. Empty: no ceiling at this level.",
    )
    allowed_signing_algorithms = ArrayField(
        models.CharField(max_length=8, choices=SigningAlgorithm),
        blank=True,
        default=list,
        help_text="No token below is signed otherwise. Empty: no ceiling at this level.",
    )

    class Meta:
        ordering = ("project", "slug")
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="tenants_environment_slug")
        ]

    def __str__(self) -> str:
        return f"{self.project.slug}/{self.slug}"
