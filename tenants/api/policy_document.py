"""An access policy as a document; its members are named as in the configuration files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import Choice, Flag, Seconds, Text, Texts
from tenants.models import AccessPolicy, Client
from tenants.models.access_policy import OperationChoice
from tenants.models.fields import (
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
    validate_audience,
    validate_scope_name,
    validate_slug,
)
from tenants.queries.managed_policies import LINKS, find_targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import Model


@extend_schema_field(OpenApiTypes.ANY)
class Rule(serializers.JSONField):
    """Any JSON value; the service lints it by the policy's engine."""


class Links(Texts):
    """The names of what a policy is linked to; empty for everything of the tenant."""

    child = Text(max_length=255)

    def to_representation(self, data: Any) -> list[Any]:  # noqa: ANN401 - a relation.
        """Write the names in their order."""
        _, naming = LINKS[str(self.field_name)]
        return sorted(str(getattr(target, naming)) for target in data.all())


class SubjectLinks(Links):
    """The ids of end users."""

    child = serializers.UUIDField()  # type: ignore[assignment]  # a subject has no other name.


class PolicyDocument(Document[AccessPolicy]):
    """An access policy; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    slug = Text(max_length=63, validators=[validate_slug])
    description = Text(max_length=2000, allow_blank=True, required=False)
    is_enabled = Flag(required=False)
    effect = Choice(choices=AccessPolicy.Effect.choices, required=False)
    mode = Choice(choices=AccessPolicy.Mode.choices, required=False)
    engine = Choice(choices=AccessPolicy.Engine.choices, required=False)
    rule = Rule(required=False, allow_null=True)
    operations = Texts(child=Choice(choices=OperationChoice.choices), required=False)
    client_kinds = Texts(child=Choice(choices=Client.Kind.choices), required=False)
    clients = Links(required=False)
    apis = Links(required=False)
    scopes = Links(required=False)
    subjects = SubjectLinks(required=False)
    groups = Links(required=False)
    trust_profiles = Links(required=False)
    limit_scopes = Texts(
        child=Text(max_length=128, validators=[validate_scope_name]),
        required=False,
        allow_null=True,
    )
    limit_lifetime_seconds = Seconds(
        required=False, allow_null=True, min_value=1, max_value=MAX_ACCESS_TOKEN_LIFETIME_SECONDS
    )
    limit_audiences = Texts(
        child=Text(max_length=255, validators=[validate_audience]), required=False, allow_null=True
    )


class PolicyPageDocument(serializers.Serializer[Any]):
    """A page of policies; `next_cursor` is null on the last one."""

    items = PolicyDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def describe_version(document: Mapping[str, object]) -> str:
    """Write the version of a policy: the digest of its document."""
    text = json.dumps(document, sort_keys=True, default=str).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def split_links(
    tenant_id: UUID, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Model]]]:
    """Part the policy's own values from its links, whose names are looked up in the tenant.

    Raises:
        ValidationError: a name is not there.
    """
    links = {name: _find(tenant_id, name, values[name]) for name in LINKS if name in values}
    return {name: value for name, value in values.items() if name not in links}, links


def _find(tenant_id: UUID, link: str, names: list[Any]) -> list[Model]:
    found = find_targets(tenant_id, link, names) if names else {}
    unknown = [str(name) for name in names if str(name) not in found]
    if unknown:
        model, _ = LINKS[link]
        noun = model._meta.verbose_name  # noqa: SLF001 - Django's public API.
        raise serializers.ValidationError({link: [f"This tenant has no {noun} {unknown[0]}."]})
    return [found[str(name)] for name in names]
