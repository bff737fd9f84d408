"""A trust profile as a document; its members are named as in the configuration files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.client_document import ClaimPattern
from tenants.api.document import Document
from tenants.api.fields import Choice, Count, Flag, KeySet, Seconds, Text, Texts
from tenants.api.links import LinkNames, split_links
from tenants.models import TrustProfile
from tenants.models.fields import validate_slug
from tenants.queries.managed_trust_profiles import LINKS
from tenants.services.trust_profiles import MAX_SECRET_BYTES, SECRET_SLOTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import Model

DAY_SECONDS: Final = 86_400
SECRETS: Final = tuple(slot.name for slot in SECRET_SLOTS)


@extend_schema_field(OpenApiTypes.OBJECT)
class ScopeMapping(serializers.JSONField):
    """From the issuer's scope names to lists of ours; the service looks at them."""


class Secret(Text):
    """A secret that can be written and never read; null removes the stored one."""

    def __init__(self) -> None:
        """Bound the text."""
        super().__init__(
            max_length=MAX_SECRET_BYTES, write_only=True, required=False, allow_null=True
        )


class TrustProfileDocument(Document[TrustProfile]):
    """A trust profile; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    slug = Text(max_length=63, validators=[validate_slug])
    name = Text(max_length=200, allow_blank=True, required=False)
    is_enabled = Flag(required=False)
    kind = Choice(choices=TrustProfile.Kind.choices, required=False)
    issuer = Text(max_length=255)
    audience = Text(max_length=255, allow_blank=True, required=False)
    algorithms = Texts(child=Text(max_length=8), required=False)
    jwks_uri = Text(max_length=500, allow_blank=True, required=False)
    jwks = KeySet(required=False)
    shared_secret = Secret()
    has_shared_secret = serializers.SerializerMethodField()
    introspection_endpoint = Text(max_length=500, allow_blank=True, required=False)
    introspection_client_id = Text(max_length=255, allow_blank=True, required=False)
    introspection_secret = Secret()
    has_introspection_secret = serializers.SerializerMethodField()
    token_prefix = Text(max_length=64, allow_blank=True, required=False)
    maximum_scopes = LinkNames(LINKS["maximum_scopes"], required=False)
    scope_claim = Text(max_length=64, required=False)
    scope_mapping = ScopeMapping(required=False)
    required_claims = ClaimPattern(required=False)
    subject_claim = Text(max_length=64, required=False)
    maximum_age_seconds = Seconds(required=False, min_value=1, max_value=DAY_SECONDS)
    maximum_lifetime_seconds = Seconds(
        required=False, allow_null=True, min_value=1, max_value=365 * DAY_SECONDS
    )
    clock_skew_seconds = Seconds(required=False, min_value=0, max_value=300)
    provisioning = Choice(choices=TrustProfile.Provisioning.choices, required=False)
    max_subjects_per_day = Count(required=False, min_value=1, max_value=1_000_000)
    linking_claim = Text(max_length=64, allow_blank=True, required=False)
    linking_verified_claim = Text(max_length=64, allow_blank=True, required=False)
    is_accepted_directly = Flag(required=False)
    direct_apis = LinkNames(LINKS["direct_apis"], required=False)
    is_sign_in_offered = Flag(required=False)
    sign_in_label = Text(max_length=100, allow_blank=True, required=False)
    authorization_endpoint = Text(max_length=500, allow_blank=True, required=False)
    token_endpoint = Text(max_length=500, allow_blank=True, required=False)
    sign_in_client_id = Text(max_length=255, allow_blank=True, required=False)
    sign_in_secret = Secret()
    has_sign_in_secret = serializers.SerializerMethodField()
    sign_in_scopes = Texts(child=Text(max_length=128), required=False)

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_has_shared_secret(self, profile: TrustProfile) -> bool:
        """Say whether a shared secret is stored."""
        return profile.shared_secret_ciphertext is not None

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_has_introspection_secret(self, profile: TrustProfile) -> bool:
        """Say whether a secret for the introspection endpoint is stored."""
        return profile.introspection_secret_ciphertext is not None

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_has_sign_in_secret(self, profile: TrustProfile) -> bool:
        """Say whether a secret for the token endpoint is stored."""
        return profile.sign_in_secret_ciphertext is not None


class TrustProfilePageDocument(serializers.Serializer[Any]):
    """A page of trust profiles; `next_cursor` is null on the last one."""

    items = TrustProfileDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def describe_version(profile: TrustProfile, document: Mapping[str, object]) -> str:
    """Write the version of a profile: the digest of its document and of its sealed secrets."""
    sealed = [(slot.read(profile) or b"").hex() for slot in SECRET_SLOTS]
    text = json.dumps([document, sealed], sort_keys=True, default=str).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def split_values(
    tenant_id: UUID, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Model]], dict[str, str | None]]:
    """Part the profile's own values from its links and its secrets.

    Raises:
        ValidationError: a link names what is not there.
    """
    rest, links = split_links(tenant_id, LINKS, values)
    secrets = {name: rest[name] for name in SECRETS if name in rest}
    return {name: value for name, value in rest.items() if name not in secrets}, links, secrets
