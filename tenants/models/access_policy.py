"""A rule that allows, denies or limits what is issued and accessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from tenants.models.api import Api, Scope
from tenants.models.client import Client
from tenants.models.fields import (
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
    Entity,
    GrantTypeChoice,
    validate_slug,
)
from tenants.models.subject import Group, Subject
from tenants.models.tenant import Tenant
from tenants.models.trust_profile import TrustProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS: Final = ("limit_scopes", "limit_lifetime_seconds", "limit_audiences")
LIMITLESS: Final = Q(**{f"{name}__isnull": True for name in LIMITS})


class OperationChoice(models.TextChoices):
    """What a policy may speak of: the grants, introspection, and calls of an Api."""

    CLIENT_CREDENTIALS = GrantTypeChoice.CLIENT_CREDENTIALS.value, "Client credentials"
    REFRESH_TOKEN = GrantTypeChoice.REFRESH_TOKEN.value, "Refresh token"
    AUTHORIZATION_CODE = GrantTypeChoice.AUTHORIZATION_CODE.value, "Authorization code"
    JWT_BEARER = GrantTypeChoice.JWT_BEARER.value, "JWT bearer"
    TOKEN_EXCHANGE = GrantTypeChoice.TOKEN_EXCHANGE.value, "Token exchange"
    DEVICE_CODE = GrantTypeChoice.DEVICE_CODE.value, "Device code"
    MASTER_TOKEN = GrantTypeChoice.MASTER_TOKEN.value, "Master token"
    INTROSPECTION = "introspection", "Introspection"
    ACCESS = "access", "Access evaluation (AuthZEN)"


class AccessPolicy(Entity):
    """A rule of a tenant: deny wins, and nothing is allowed by being absent."""

    class Effect(models.TextChoices):
        """What a matching policy does."""

        ALLOW = "allow", "allow"
        DENY = "deny", "deny"
        LIMIT = "limit", "limit"

    class Engine(models.TextChoices):
        """How the rule is evaluated."""

        ALLOW = "allow", "always matches"
        MATCH = "match", "match: a pattern of the request"
        SCHEMA = "schema", "schema: JSON Schema"
        CEDAR = "cedar", "cedar: Cedar policies"
        ALL = "all", "all: every rule of a list"
        ANY = "any", "any: one rule of a list"

    class Mode(models.TextChoices):
        """Whether the policy has an effect."""

        ENFORCE = "enforce", "enforce"
        SHADOW = "shadow", "shadow: evaluated and reported, without effect"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="access_policies")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    description = models.TextField(max_length=2000, blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    effect = models.CharField(max_length=8, choices=Effect, default=Effect.ALLOW)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.ENFORCE)
    engine = models.CharField(max_length=16, choices=Engine, default=Engine.ALLOW)
    rule = models.JSONField(
        null=True,
        blank=True,
        default=None,
        help_text="What the engine evaluates: a pattern, a JSON Schema, Cedar policies as one "
        "text, or a list of rules for all and any. Empty for the engine allow.",
    )
    operations = ArrayField(
        models.CharField(max_length=64, choices=OperationChoice),
        default=list,
        blank=True,
        help_text="Empty: every operation.",
    )
    client_kinds = ArrayField(
        models.CharField(max_length=16, choices=Client.Kind),
        default=list,
        blank=True,
        help_text="Empty: every kind of client.",
    )
    clients = models.ManyToManyField(
        Client, blank=True, related_name="access_policies", help_text="Empty: every client."
    )
    apis = models.ManyToManyField(
        Api, blank=True, related_name="access_policies", help_text="Empty: every Api."
    )
    scopes = models.ManyToManyField(
        Scope, blank=True, related_name="access_policies", help_text="Empty: every scope."
    )
    subjects = models.ManyToManyField(
        Subject,
        blank=True,
        related_name="access_policies",
        help_text="Empty: every subject, and nobody at all.",
    )
    groups = models.ManyToManyField(
        Group, blank=True, related_name="access_policies", help_text="Empty: every group, and none."
    )
    trust_profiles = models.ManyToManyField(
        TrustProfile,
        blank=True,
        related_name="access_policies",
        help_text="Empty: whoever vouches, and nobody.",
    )
    limit_scopes = models.JSONField(
        null=True,
        blank=True,
        default=None,
        help_text="The only scopes that may be left, as a list of names. Empty: no limit.",
    )
    limit_lifetime_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_ACCESS_TOKEN_LIFETIME_SECONDS)],
        help_text="The longest that an access token may live. Empty: no limit.",
    )
    limit_audiences = models.JSONField(
        null=True,
        blank=True,
        default=None,
        help_text="The only audiences that may be left, as a list. Empty: no limit.",
    )

    class Meta:
        verbose_name_plural = "access policies"
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_accesspolicy_slug"),
            models.CheckConstraint(
                condition=(Q(effect="limit") & ~LIMITLESS) | (~Q(effect="limit") & LIMITLESS),
                name="tenants_accesspolicy_limits",
                violation_error_message="A policy has limits exactly if its effect is limit.",
            ),
            models.CheckConstraint(
                condition=Q(engine="allow", rule__isnull=True)
                | (~Q(engine="allow") & Q(rule__isnull=False)),
                name="tenants_accesspolicy_rule",
                violation_error_message="A policy has a rule exactly if its engine is not allow.",
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Name the fields that contradict the effect or the engine, before a constraint does.

        Raises:
            ValidationError: naming each of them.
        """
        super().clean()
        messages = dict(self._find_contradictions())
        if messages:
            raise ValidationError(messages)

    def _find_contradictions(self) -> Iterator[tuple[str, str]]:
        given = [name for name in LIMITS if getattr(self, name) is not None]
        if self.effect != self.Effect.LIMIT:
            text = "Only a policy with the effect limit has limits; leave this empty."
            yield from ((name, text) for name in given)
        elif not given:
            yield "effect", "A limit needs scopes, a lifetime or audiences to which it limits."
        if self.engine == self.Engine.ALLOW and self.rule is not None:
            yield "rule", "The engine allow has no rule; leave this empty or choose another engine."
        elif self.engine != self.Engine.ALLOW and self.rule is None:
            yield "rule", "Write the rule that the engine evaluates."
