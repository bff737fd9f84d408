"""Trust profiles: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from tenants import audit
from tenants.api import openapi
from tenants.api.document import Document, read_body, read_query
from tenants.api.pages import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    read_cursor,
    write_cursor,
    write_link,
)
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.trust_document import (
    TrustProfileDocument,
    TrustProfilePageDocument,
    describe_version,
    split_values,
)
from tenants.api.view import TenantView, caller_of, in_console
from tenants.errors import Forbidden
from tenants.models import Tenant, TrustProfile
from tenants.models.fields import validate_slug
from tenants.queries.managed_trust_profiles import (
    find_reached_management_scopes,
    get_trust_profile,
    list_trust_profiles,
)
from tenants.services import changes
from tenants.services.trust_profiles import (
    INTROSPECTION_SECRET,
    SHARED_SECRET,
    require_secret_for_another_address,
    save_trust_profile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:trust-profiles:read",
    "write": "management:trust-profiles:write",
}


class TrustProfileQueryDocument(Document[TrustProfile]):
    """The query parameters of the list."""

    page_size = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE
    )
    cursor = serializers.CharField(
        default="", max_length=100, help_text="The `next_cursor` of the page before."
    )


class TrustProfilesView(TenantView):
    """The trust profiles of a tenant."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_trust_profiles",
        parameters=[TrustProfileQueryDocument],
        responses=openapi.answers(200, TrustProfilePageDocument),
    )
    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List trust profiles in the order of their slugs, a page at a time."""
        asked = read_query(request, TrustProfileQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_slug)
        found = list_trust_profiles(caller_of(request).tenant.id, after=after, limit=size + 1)
        cursor = write_cursor(found[size - 1].slug) if len(found) > size else None
        page = TrustProfilePageDocument({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @extend_schema(
        operation_id="create_trust_profile",
        request=TrustProfileDocument,
        responses=openapi.answers(201, TrustProfileDocument, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create a trust profile; it holds everywhere within a second."""
        caller = caller_of(request)
        values = read_body(request, TrustProfileDocument)
        profile = TrustProfile(tenant=Tenant.objects.get(pk=caller.tenant.id))
        _write(profile, values, caller)
        answer = _answer(caller, profile.pk, status.HTTP_201_CREATED)
        location = reverse("api-trust-profile", kwargs={**path, "id": profile.pk})
        answer.headers["Location"] = location
        return answer


class TrustProfileView(TenantView):
    """One trust profile."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="read_trust_profile",
        responses=openapi.answers(200, TrustProfileDocument, 404),
    )
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read a trust profile and its ETag; secrets are never shown."""
        return _answer(caller_of(request), id)

    @extend_schema(
        operation_id="update_trust_profile",
        request=TrustProfileDocument,
        parameters=[openapi.IF_MATCH_REQUIRED],
        responses=openapi.answers(200, TrustProfileDocument, 404, 412, 428, *openapi.BODY),
    )
    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent, on the version that If-Match names.

        Disabling a profile ends what came of its tokens.
        """
        caller = caller_of(request)
        profile = _lock(caller, id)
        require_match(request, _version_of(profile))
        values = read_body(request, TrustProfileDocument, is_partial=True)
        if values:
            _write(profile, values, caller)
        return _answer(caller, id)

    @extend_schema(
        operation_id="delete_trust_profile",
        parameters=[openapi.IF_MATCH],
        responses=openapi.answers(204, None, 404, 409, 412),
    )
    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete a trust profile and end everything that came of its tokens."""
        caller = caller_of(request)
        profile = _lock(caller, id)
        check_match(request, _version_of(profile))
        changes.delete(profile, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _lock(caller: Caller, profile_id: UUID) -> TrustProfile:
    """Read a profile that the caller may write; nobody else does before the transaction ends.

    Raises:
        NotFound: there is none in the caller's tenant.
        Forbidden: a client that it proves holds management scopes that the caller's token lacks.
    """
    audit.lock_chain(caller.tenant.id)
    profile = get_trust_profile(caller.tenant.id, profile_id)
    if find_reached_management_scopes(caller.tenant.id, profile_id) - caller.scopes:
        # With keys of its own the caller could ask for a token as that client.
        raise Forbidden("This profile proves a client with management scopes that yours lacks.")
    return profile


def _write(profile: TrustProfile, values: Mapping[str, Any], caller: Caller) -> None:
    own, links, secrets = split_values(caller.tenant.id, values)
    for name, value in own.items():
        setattr(profile, name, value)
    introspection_secret = secrets.get(INTROSPECTION_SECRET.name, "")
    require_secret_for_another_address(profile, introspection_secret)
    save_trust_profile(
        profile,
        actor=caller.actor,
        links=links,
        shared_secret=secrets.get(SHARED_SECRET.name, ""),
        introspection_secret=introspection_secret,
    )


def _version_of(profile: TrustProfile) -> str:
    return describe_version(profile, TrustProfileDocument(profile).data)


def _answer(caller: Caller, profile_id: UUID, code: int = status.HTTP_200_OK) -> Response:
    profile = get_trust_profile(caller.tenant.id, profile_id)
    document = TrustProfileDocument(profile).data
    headers = {"ETag": entity_tag(describe_version(profile, document))}
    return Response(document, status=code, headers=headers)
