"""Subjects and groups as documents; their members are named as in the models."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import Flag, Text, Texts
from tenants.api.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from tenants.models import Group, Subject, SubjectIdentity
from tenants.models.fields import validate_slug
from tenants.models.group_details import (
    MAX_DETAILS,
    MAX_PERMISSIONS,
    validate_group_attributes,
    validate_permissions,
    validate_resources,
    validate_roles,
)
from tenants.models.subject import validate_attributes, validate_external_id

MAX_CURSOR_CHARACTERS: Final = 100


@extend_schema_field(OpenApiTypes.OBJECT)
class Attributes(serializers.JSONField):
    """A JSON object."""


@extend_schema_field({"type": "array", "items": {"type": "object"}})
class Listed(serializers.JSONField):
    """A JSON list of objects."""


class Slugs(serializers.ListField):
    """The slugs of what a subject belongs to."""

    child = serializers.CharField()

    def to_representation(self, data: Any) -> list[Any]:  # noqa: ANN401 - a relation.
        """Write the slugs in their order."""
        return sorted(target.slug for target in data.all())


class IdentityDocument(serializers.Serializer[SubjectIdentity]):
    """How a trust profile knows a subject."""

    trust_profile = serializers.CharField(source="trust_profile.slug", read_only=True)
    sub = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class SubjectDocument(Document[Subject]):
    """An end user; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    external_id = Text(
        max_length=255, validators=[validate_external_id], required=False, allow_null=True
    )
    name = Text(max_length=200, allow_blank=True, required=False)
    email = Text(max_length=254, allow_blank=True, required=False)
    is_email_verified = Flag(required=False)
    attributes = Attributes(required=False, validators=[validate_attributes])
    is_enabled = Flag(required=False)
    groups = Slugs(read_only=True)
    identities = IdentityDocument(many=True, read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    erased_at = serializers.DateTimeField(read_only=True)


class SubjectPageDocument(serializers.Serializer[Any]):
    """A page of subjects; `next_cursor` is null on the last one."""

    items = SubjectDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class GroupDocument(Document[Group]):
    """A group of subjects; the members are a list of their own."""

    id = serializers.UUIDField(read_only=True)
    slug = Text(max_length=63, validators=[validate_slug])
    name = Text(max_length=200, allow_blank=True, required=False)
    permissions = Texts(
        child=Text(max_length=200),
        max_length=MAX_PERMISSIONS,
        required=False,
        validators=[validate_permissions],
    )
    roles = Texts(
        child=Text(max_length=200),
        max_length=MAX_DETAILS,
        required=False,
        validators=[validate_roles],
    )
    attributes = Listed(required=False, validators=[validate_group_attributes])
    resources = Listed(required=False, validators=[validate_resources])


class GroupPageDocument(serializers.Serializer[Any]):
    """A page of groups; `next_cursor` is null on the last one."""

    items = GroupDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MemberDocument(Document[Any]):
    """A member of a group."""

    subject = serializers.UUIDField()


class MemberPageDocument(serializers.Serializer[Any]):
    """A page of a group's members; `next_cursor` is null on the last one."""

    items = MemberDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class PageQueryDocument(Document[Any]):
    """The query parameters of a list."""

    page_size = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE
    )
    cursor = serializers.CharField(
        default="",
        max_length=MAX_CURSOR_CHARACTERS,
        help_text="The `next_cursor` of the page before.",
    )


class SubjectQueryDocument(PageQueryDocument):
    """The query parameters of the list of subjects."""

    external_id = serializers.CharField(default="", max_length=255)
    email = serializers.CharField(default="", max_length=254)
    is_enabled = serializers.BooleanField(required=False)


class ErasureRequestDocument(Document[Any]):
    """Why somebody is erased; it stays in the audit, so it names nobody."""

    reason = Text(max_length=500, allow_blank=True, required=False)


class PlaceDocument(serializers.Serializer[Any]):
    """A place where was looked, with the rows that held something, before and after."""

    where = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()


class ErasureDocument(serializers.Serializer[Any]):
    """The proof of an erasure."""

    tenant = serializers.CharField()
    subject = serializers.CharField()
    erased_at = serializers.CharField()
    is_proven = serializers.BooleanField()
    places = PlaceDocument(many=True)
    mentions = PlaceDocument(many=True)


def validate_id(text: str) -> None:
    """Refuse what is no identifier of ours.

    Raises:
        ValueError: it is none.
    """
    UUID(text)
