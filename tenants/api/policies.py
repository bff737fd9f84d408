"""Access policies: list, create, read, update, delete."""

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
from tenants.api.policy_document import (
    PolicyDocument,
    PolicyPageDocument,
    describe_version,
    split_links,
)
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import AccessPolicy, Tenant
from tenants.models.fields import validate_slug
from tenants.queries.managed_policies import get_policy, list_policies
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:policies:read",
    "write": "management:policies:write",
}


class PolicyQueryDocument(Document[AccessPolicy]):
    """The query parameters of the list."""

    page_size = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE
    )
    cursor = serializers.CharField(
        default="", max_length=100, help_text="The `next_cursor` of the page before."
    )
    effect = serializers.ChoiceField(choices=AccessPolicy.Effect.choices, default="")


class PoliciesView(TenantView):
    """The access policies of a tenant."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_policies",
        parameters=[PolicyQueryDocument],
        responses=openapi.answers(200, PolicyPageDocument),
    )
    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List policies in the order of their slugs, a page at a time."""
        asked = read_query(request, PolicyQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_slug)
        tenant_id = caller_of(request).tenant.id
        found = list_policies(tenant_id, after=after, limit=size + 1, effect=asked["effect"])
        cursor = write_cursor(found[size - 1].slug) if len(found) > size else None
        page = PolicyPageDocument({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @extend_schema(
        operation_id="create_policy",
        request=PolicyDocument,
        responses=openapi.answers(201, PolicyDocument, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create a policy; it holds everywhere within a second."""
        caller = caller_of(request)
        values = read_body(request, PolicyDocument)
        policy = AccessPolicy(tenant=Tenant.objects.get(pk=caller.tenant.id))
        _write(policy, values, caller)
        location = reverse("api-policy", kwargs={**path, "id": policy.pk})
        answer = _answer(caller, policy.pk, status.HTTP_201_CREATED)
        answer.headers["Location"] = location
        return answer


class PolicyView(TenantView):
    """One access policy."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(operation_id="read_policy", responses=openapi.answers(200, PolicyDocument, 404))
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read a policy and its ETag."""
        return _answer(caller_of(request), id)

    @extend_schema(
        operation_id="update_policy",
        request=PolicyDocument,
        parameters=[openapi.IF_MATCH_REQUIRED],
        responses=openapi.answers(200, PolicyDocument, 404, 412, 428, *openapi.BODY),
    )
    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent, on the version that If-Match names."""
        caller = caller_of(request)
        policy = _lock(caller, id)
        require_match(request, _version_of(policy))
        values = read_body(request, PolicyDocument, is_partial=True)
        if values:
            _write(policy, values, caller)
        return _answer(caller, id)

    @extend_schema(operation_id="delete_policy", responses=openapi.answers(204, None, 404, 412))
    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete a policy; what it allowed is refused from then on."""
        caller = caller_of(request)
        policy = _lock(caller, id)
        check_match(request, _version_of(policy))
        changes.delete(policy, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _lock(caller: Caller, policy_id: UUID) -> AccessPolicy:
    """Read a policy that nobody else writes before the transaction ends."""
    audit.lock_chain(caller.tenant.id)
    return get_policy(caller.tenant.id, policy_id)


def _write(policy: AccessPolicy, values: Mapping[str, Any], caller: Caller) -> None:
    own, links = split_links(caller.tenant.id, values)
    for name, value in own.items():
        setattr(policy, name, value)
    changes.save(policy, actor=caller.actor, links=links)


def _version_of(policy: AccessPolicy) -> str:
    return describe_version(PolicyDocument(policy).data)


def _answer(caller: Caller, policy_id: UUID, code: int = status.HTTP_200_OK) -> Response:
    document = PolicyDocument(get_policy(caller.tenant.id, policy_id)).data
    headers = {"ETag": entity_tag(describe_version(document))}
    return Response(document, status=code, headers=headers)
