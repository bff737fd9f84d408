"""A protected resource server and its scopes."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from tenants.assurance import Assurance
from tenants.models.fields import (
    Entity,
    SigningAlgorithm,
    TokenChoices,
    TokenLifetimes,
    validate_audience,
    validate_scope_name,
    validate_slug,
)
from tenants.models.tenant import Tenant

MAX_TITLE_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 2_000
TRANSLATED = {"title": MAX_TITLE_CHARACTERS, "description": MAX_DESCRIPTION_CHARACTERS}
MAX_LANGUAGES = 20
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?\Z")


def validate_translations(translations: object) -> None:
    """Refuse everything but title and description by language, within their lengths."""
    if not isinstance(translations, dict) or len(translations) > MAX_LANGUAGES:
        raise ValidationError(f"Write a JSON object with at most {MAX_LANGUAGES} languages.")
    for language, texts in translations.items():
        if not LANGUAGE.match(language) or not isinstance(texts, dict):
            raise ValidationError('Write languages like "de" or "de-AT", each with an object.')
        for name, text in texts.items():
            if name not in TRANSLATED or not isinstance(text, str) or len(text) > TRANSLATED[name]:
                raise ValidationError(f"Write {' and '.join(TRANSLATED)}, as texts.")


class Api(Entity, TokenLifetimes, TokenChoices):
    """A protected resource server: one audience, its scopes and its token settings."""

    class BuiltIn(models.TextChoices):
        """The Apis that every tenant has."""

        OPENID = "openid", "OpenID Connect"
        MANAGEMENT = "management", "management API"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="apis")
    slug = models.CharField(max_length=63, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True, default="")
    audience = models.CharField(
        max_length=255,
        validators=[validate_audience],
        help_text="The `aud` value by which this Api knows its tokens; never a client's id.",
    )
    built_in = models.CharField(
        max_length=16, choices=BuiltIn, blank=True, default="", editable=False
    )
    is_enabled = models.BooleanField(default=True, help_text="A disabled Api gets no new tokens.")
    allow_refresh_tokens = models.BooleanField(
        default=True, help_text="Whether tokens for this Api may be refreshed at all."
    )
    allow_limited_jwt = models.BooleanField(
        default=False,
        help_text="Whether tokens of limited use may be JSON Web Tokens. Careful: whoever verifies "
        "one offline does not count its use, so the limit holds only where this Api introspects.",
    )
    signing_algorithm = models.CharField(
        max_length=8,
        choices=SigningAlgorithm,
        blank=True,
        default="",
        help_text="Empty: the tenant's. HS256 gives this Api a symmetric key of its own.",
    )
    resource_server_clients = models.ManyToManyField(
        "tenants.Client",
        blank=True,
        related_name="resource_server_apis",
        help_text="The clients that may introspect this Api's tokens.",
    )

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_api_slug"),
            models.UniqueConstraint(fields=["tenant", "audience"], name="tenants_api_audience"),
        ]

    def __str__(self) -> str:
        return self.slug


class Scope(Entity):
    """A right at an Api. Source: RFC 6749 section 3.3."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="scopes")
    api = models.ForeignKey(Api, models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=128, validators=[validate_scope_name])
    title = models.CharField(max_length=200, blank=True, default="")
    description = models.TextField(max_length=2000, blank=True, default="")
    emphasized = models.BooleanField(
        default=False, help_text="Shown first and marked where a person is asked for consent."
    )
    usage_limit = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(1_000_000)],
        help_text="How often a token with this scope can be used; 0 for no limit.",
    )

    is_required = models.BooleanField(
        default=False,
        help_text="A person who consents can't leave it out; without it nothing is granted.",
    )
    min_acr = models.CharField(
        max_length=64,
        choices=[(level.value, level.value) for level in Assurance],
        blank=True,
        default="",
        help_text="How surely a person must have been recognised for this right (RFC 9470). "
        "Empty: as they are.",
    )
    translations = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_translations],
        help_text='Title and description in other languages: {"de": {"title": "Profil lesen"}}.',
    )

    class Meta:
        ordering = ("tenant", "name")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="tenants_scope_name")
        ]

    def __str__(self) -> str:
        return self.name
