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
from tenants.api.links import LinkNames
from tenants.models import AccessPolicy, Client
from tenants.models.access_policy import OperationChoice
from tenants.models.fields import (
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
    validate_audience,
    validate_scope_name,
    validate_slug,
)
from tenants.queries.managed_policies import LINKS

if TYPE_CHECKING:
    from collections.abc import Mapping


@extend_schema_field(OpenApiTypes.ANY)
class Rule(serializers.JSONField):
    """Any JSON value; the service lints it by the policy's engine."""


class SubjectNames(LinkNames):
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
    clients = LinkNames(LINKS["clients"], required=False)
    apis = LinkNames(LINKS["apis"], required=False)
    scopes = LinkNames(LINKS["scopes"], required=False)
    subjects = SubjectNames(LINKS["subjects"], required=False)
    groups = LinkNames(LINKS["groups"], required=False)
    trust_profiles = LinkNames(LINKS["trust_profiles"], required=False)
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
