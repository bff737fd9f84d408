"""Groups of subjects and their members: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from tenants import audit
from tenants.api import openapi
from tenants.api.document import read_body, read_query
from tenants.api.pages import read_cursor, write_cursor, write_link
from tenants.api.policy_document import describe_version
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.subjects import SCOPES
from tenants.api.user_document import (
    GroupDocument,
    GroupPageDocument,
    MemberDocument,
    MemberPageDocument,
    PageQueryDocument,
    validate_id,
)
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import Group, Tenant
from tenants.models.fields import validate_slug
from tenants.queries.managed_users import GROUPS, list_members
from tenants.services import changes, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from tenants.api.caller import Caller


class GroupsView(TenantView):
    """The groups of a tenant."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_groups",
        parameters=[PageQueryDocument],
        responses=openapi.answers(200, GroupPageDocument),
    )
    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List groups in the order of their slugs, a page at a time."""
        asked = read_query(request, PageQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_slug)
        found = GROUPS.page(caller_of(request).tenant.id, after=after, limit=size + 1)
        cursor = write_cursor(found[size - 1].slug) if len(found) > size else None
        page = GroupPageDocument({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @extend_schema(
        operation_id="create_group",
        request=GroupDocument,
        responses=openapi.answers(201, GroupDocument, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create a group without members."""
        caller = caller_of(request)
        values = read_body(request, GroupDocument)
        group = Group(tenant=Tenant.objects.get(pk=caller.tenant.id))
        _write(group, values, caller)
        answer = _answer(group, status.HTTP_201_CREATED)
        answer.headers["Location"] = reverse("api-group", kwargs={**path, "id": group.pk})
        return answer


class GroupView(TenantView):
    """One group."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(operation_id="read_group", responses=openapi.answers(200, GroupDocument, 404))
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read a group and its ETag."""
        return _answer(GROUPS.get(caller_of(request).tenant.id, id))

    @extend_schema(
        operation_id="update_group",
        request=GroupDocument,
        parameters=[openapi.IF_MATCH_REQUIRED],
        responses=openapi.answers(200, GroupDocument, 404, 412, 428, *openapi.BODY),
    )
    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members of the document that are sent."""
        caller = caller_of(request)
        group = _lock(caller, id)
        require_match(request, describe_version(GroupDocument(group).data))
        values = read_body(request, GroupDocument, is_partial=True)
        if values:
            _write(group, values, caller)
        return _answer(group)

    @extend_schema(operation_id="delete_group", responses=openapi.answers(204, None, 404, 409, 412))
    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete a group; its members stay."""
        caller = caller_of(request)
        group = _lock(caller, id)
        check_match(request, describe_version(GroupDocument(group).data))
        changes.delete(group, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class GroupMembersView(TenantView):
    """The members of one group."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_group_members",
        parameters=[PageQueryDocument],
        responses=openapi.answers(200, MemberPageDocument, 404),
    )
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """List the members by their ids, a page at a time."""
        asked = read_query(request, PageQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_id)
        group = GROUPS.get(caller_of(request).tenant.id, id)
        found = list_members(group, after=UUID(after) if after else None, limit=size + 1)
        cursor = write_cursor(str(found[size - 1])) if len(found) > size else None
        items = [{"subject": subject_id} for subject_id in found[:size]]
        page = MemberPageDocument({"items": items, "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @extend_schema(
        operation_id="add_group_member",
        request=MemberDocument,
        responses=openapi.answers(204, None, 404, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Put a subject into the group; twice is harmless."""
        caller = caller_of(request)
        values = read_body(request, MemberDocument)
        groups.add_member(_lock(caller, id), values["subject"], actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class GroupMemberView(TenantView):
    """One member of one group."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(operation_id="remove_group_member", responses=openapi.answers(204, None, 404))
    @in_console
    def delete(
        self,
        request: Request,
        id: UUID,  # noqa: A002 - its name in the path.
        subject_id: UUID,
        **_path: str,
    ) -> Response:
        """Take a subject out of the group."""
        caller = caller_of(request)
        groups.remove_member(_lock(caller, id), subject_id, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _lock(caller: Caller, group_id: UUID) -> Group:
    """Read a group that nobody else writes before the transaction ends."""
    audit.lock_chain(caller.tenant.id)
    return GROUPS.get(caller.tenant.id, group_id)


def _write(group: Group, values: Mapping[str, Any], caller: Caller) -> None:
    for name, value in values.items():
        setattr(group, name, value)
    groups.save_group(group, actor=caller.actor)


def _answer(group: Group, code: int = status.HTTP_200_OK) -> Response:
    document = GroupDocument(group).data
    headers = {"ETag": entity_tag(describe_version(document))}
    return Response(document, status=code, headers=headers)
