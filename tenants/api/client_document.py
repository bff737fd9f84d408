"""A client as a document; RFC 7591 section 2 gives the names where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import (
    Choice,
    Count,
    EpochSeconds,
    Flag,
    KeySet,
    Pattern,
    ScopeText,
    Seconds,
    Text,
    Texts,
    URITexts,
)
from tenants.api.interactive_document import INTERACTIVE_NAMES, InteractiveDocument
from tenants.models import Client, ClientSecret, Scope
from tenants.models.fields import (
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
    MAX_REFRESH_TOKEN_LIFETIME_SECONDS,
    GrantTypeChoice,
    TokenFormat,
    validate_client_id,
)
from tenants.models.request_limits import MAX_BURST, MAX_REQUESTS_PER_MINUTE
from tenants.queries.managed_clients import SCOPE_LINKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.models import TrustProfile

ACCESS: dict[str, Any] = {
    "required": False,
    "allow_null": True,
    "min_value": 1,
    "max_value": MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
}
REFRESH: dict[str, Any] = {**ACCESS, "max_value": MAX_REFRESH_TOKEN_LIFETIME_SECONDS}
# Where a document and the model differ, the service's messages are renamed for the caller.
MEMBER_NAMES = {
    "name": "client_name",
    "scopes": "scope",
    "default_scopes": "default_scope",
    "impersonation_scopes": "impersonation_scope",
    **INTERACTIVE_NAMES,
}


class TrustProfileName(Text):
    """The slug of a trust profile, null for none; the view looks it up."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the name."""
        super().__init__(max_length=63, allow_null=True, **options)

    def to_representation(self, value: TrustProfile) -> str:  # type: ignore[override]  # a relation.
        """Write the slug."""
        return value.slug


@extend_schema_field(OpenApiTypes.OBJECT)
class ClaimPattern(serializers.JSONField):
    """A pattern over claims; the service lints it."""


class ClientDocument(InteractiveDocument):
    """A client; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    client_id = Text(max_length=255, validators=[validate_client_id])
    client_name = Text(source="name", max_length=255, allow_blank=True, required=False)
    kind = Choice(choices=Client.Kind.choices, required=False)
    is_enabled = Flag(required=False)
    grant_types = Texts(child=Choice(choices=GrantTypeChoice.choices), required=False)
    token_endpoint_auth_method = Choice(choices=Client.AuthenticationMethod.choices, required=False)
    redirect_uris = URITexts(required=False)
    post_logout_redirect_uris = URITexts(required=False)
    scope = ScopeText(source="scopes", required=False)
    default_scope = ScopeText(source="default_scopes", required=False)
    jwks = KeySet(required=False)
    jwks_uri = Text(max_length=500, allow_blank=True, required=False)
    workload_trust_profile = TrustProfileName(required=False)
    workload_subject = Text(max_length=255, allow_blank=True, required=False)
    workload_claims = ClaimPattern(required=False)
    cors_allowed_origins = Texts(child=Text(max_length=255), required=False)
    group_claims = Choice(choices=Client.GroupClaims.choices, allow_blank=True, required=False)
    may_impersonate = Flag(required=False)
    impersonated_tenants = Texts(child=Pattern(), required=False)
    impersonated_subjects = Texts(child=Pattern(), required=False)
    impersonation_scope = ScopeText(source="impersonation_scopes", required=False)
    max_impersonated_token_lifetime_seconds = Seconds(**ACCESS)
    access_token_format = Choice(choices=TokenFormat.choices, allow_blank=True, required=False)
    claim_profile = Text(max_length=63, allow_blank=True, required=False)
    access_token_lifetime_seconds = Seconds(**ACCESS)
    max_access_token_lifetime_seconds = Seconds(**ACCESS)
    refresh_token_enabled = Flag(required=False, allow_null=True)
    refresh_token_lifetime_seconds = Seconds(**REFRESH)
    max_refresh_token_lifetime_seconds = Seconds(**REFRESH)
    refresh_token_idle_lifetime_seconds = Seconds(**REFRESH)
    max_refresh_token_idle_lifetime_seconds = Seconds(**REFRESH)
    client_requests_per_minute = Count(**{**ACCESS, "max_value": MAX_REQUESTS_PER_MINUTE})
    client_request_burst = Count(**{**ACCESS, "max_value": MAX_BURST})
    version = serializers.IntegerField(read_only=True)
    client_id_issued_at = EpochSeconds(source="created", read_only=True)
    updated_at = serializers.DateTimeField(source="updated", read_only=True)


class CreatedClientDocument(ClientDocument):
    """A new client with its first secret, which is shown here and never again."""

    client_secret = serializers.CharField(read_only=True, required=False)
    client_secret_expires_at = serializers.IntegerField(read_only=True, required=False)


class SecretDocument(Document[ClientSecret]):
    """A secret without its text."""

    id = serializers.UUIDField(read_only=True)
    label = Text(max_length=100)  # type: ignore[assignment]  # the metaclass takes it away.
    hint = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    last_used_at = serializers.DateTimeField(read_only=True)


class CreatedSecretDocument(SecretDocument):
    """A new secret with its text, which is shown here and never again."""

    client_secret = serializers.CharField(read_only=True)


class SecretListDocument(serializers.Serializer[Any]):
    """Every secret of a client."""

    items = SecretDocument(many=True)


class ClientPageDocument(serializers.Serializer[Any]):
    """A page of clients; `next_cursor` is null on the last one."""

    items = ClientDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def split_links(
    values: Mapping[str, Any], scopes: list[Scope]
) -> tuple[dict[str, Any], dict[str, list[Scope]]]:
    """Part the client's own values from its links, whose names are looked up in `scopes`.

    Raises:
        ValidationError: a scope is not there.
    """
    by_name = {scope.name: scope for scope in scopes}
    links: dict[str, list[Scope]] = {}
    for link in SCOPE_LINKS:
        names = values.get(link)
        if names is None:
            continue
        unknown = [name for name in names if name not in by_name]
        if unknown:
            text = f"This tenant has no scope {unknown[0]}."
            raise serializers.ValidationError({MEMBER_NAMES[link]: [text]})
        links[link] = [by_name[name] for name in names]
    return {name: value for name, value in values.items() if name not in links}, links
