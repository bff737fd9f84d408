"""Claim rules and claim profiles as documents; their members are named as in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import Choice, Count, Flag, Text
from tenants.api.links import LinkName, find_linked
from tenants.models import ClaimProfile, ClaimRule
from tenants.models.fields import GrantTypeChoice, validate_slug
from tenants.queries.managed_claims import LINKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

MAX_BUDGET_BYTES = 65_536


@extend_schema_field(OpenApiTypes.ANY)
class Value(serializers.JSONField):
    """Any JSON value but null; the service looks at it by the rule's source."""


@extend_schema_field(OpenApiTypes.OBJECT)
class Condition(serializers.JSONField):
    """A pattern of the policy engine match; the service lints it."""


class ClaimRuleDocument(Document[ClaimRule]):
    """A claim rule; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    slug = Text(max_length=63, validators=[validate_slug])
    claim = Text(max_length=200)
    source = Choice(choices=ClaimRule.Source.choices, required=False)  # type: ignore[assignment]  # a field that is declared, not the base's attribute.
    value = Value()
    condition = Condition(required=False)
    is_required = Flag(required=False)
    api = LinkName(LINKS["api"], required=False, allow_null=True)
    client = LinkName(LINKS["client"], required=False, allow_null=True)
    grant_type = Choice(choices=GrantTypeChoice.choices, required=False, allow_blank=True)


class ClaimRulePageDocument(serializers.Serializer[Any]):
    """A page of claim rules; `next_cursor` is null on the last one."""

    items = ClaimRuleDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ClaimProfileDocument(Document[ClaimProfile]):
    """A variant of a built-in claim profile."""

    id = serializers.UUIDField(read_only=True)
    slug = Text(max_length=63, validators=[validate_slug])
    base = Choice(choices=ClaimProfile.Base.choices)
    is_dual = Flag(required=False)
    group_claims_budget_bytes = Count(
        required=False, allow_null=True, min_value=0, max_value=MAX_BUDGET_BYTES
    )


class ClaimProfilePageDocument(serializers.Serializer[Any]):
    """A page of claim profiles; `next_cursor` is null on the last one."""

    items = ClaimProfileDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def resolve_links(tenant_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """Put what links name in the place of the names; null names everything of the tenant.

    Raises:
        ValidationError: a name is not there.
    """
    found = {
        member: find_linked(tenant_id, member, link, [values[member]])[0]
        for member, link in LINKS.items()
        if values.get(member) is not None
    }
    return {**values, **found}
