"""Claim rules and claim profiles: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.response import Response

from tenants import audit
from tenants.api import openapi
from tenants.api.claim_document import (
    ClaimProfileDocument,
    ClaimProfilePageDocument,
    ClaimRuleDocument,
    ClaimRulePageDocument,
    resolve_links,
)
from tenants.api.document import Document, read_body, read_query
from tenants.api.pages import read_cursor, write_cursor, write_link
from tenants.api.policy_document import describe_version
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.user_document import PageQueryDocument
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import ClaimProfile, ClaimRule, Tenant
from tenants.models.fields import validate_slug
from tenants.queries import managed_claims
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from rest_framework import serializers
    from rest_framework.request import Request

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:claims:read",
    "write": "management:claims:write",
}


class _ClaimsView(TenantView):
    """What the views of rules and profiles share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES
    model: ClassVar[type[ClaimRule | ClaimProfile]]
    document: ClassVar[type[Document[Any]]]
    find: ClassVar[Callable[[UUID, UUID], ClaimRule | ClaimProfile]]

    def write(
        self, entity: ClaimRule | ClaimProfile, values: Mapping[str, Any], caller: Caller
    ) -> None:
        """Store what was sent, by the service that checks it."""
        for name, value in resolve_links(caller.tenant.id, values).items():
            setattr(entity, name, value)
        changes.save(entity, actor=caller.actor)

    def version_of(self, entity: ClaimRule | ClaimProfile) -> str:
        """Write the version of what is stored."""
        return describe_version(self.document(entity).data)

    def respond(self, caller: Caller, entity_id: UUID, code: int = status.HTTP_200_OK) -> Response:
        """Answer one entity as it is stored, with its ETag."""
        document = self.document(type(self).find(caller.tenant.id, entity_id)).data
        headers = {"ETag": entity_tag(describe_version(document))}
        return Response(document, status=code, headers=headers)


class _ListView(_ClaimsView):
    page: ClassVar[type[serializers.Serializer[Any]]]
    listing: ClassVar[Callable[..., Sequence[ClaimRule | ClaimProfile]]]
    item: ClassVar[str]

    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List them in the order of their slugs, a page at a time."""
        asked = read_query(request, PageQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_slug)
        tenant_id = caller_of(request).tenant.id
        found = type(self).listing(tenant_id, after=after, limit=size + 1)
        cursor = write_cursor(found[size - 1].slug) if len(found) > size else None
        page = self.page({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create one; it holds everywhere within a second."""
        caller = caller_of(request)
        values = read_body(request, self.document)
        entity = self.model(tenant=Tenant.objects.get(pk=caller.tenant.id))
        self.write(entity, values, caller)
        answer = self.respond(caller, entity.pk, status.HTTP_201_CREATED)
        answer.headers["Location"] = reverse(self.item, kwargs={**path, "id": entity.pk})
        return answer


class _ItemView(_ClaimsView):
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read one and its ETag."""
        return self.respond(caller_of(request), id)

    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent, on the version that If-Match names."""
        caller = caller_of(request)
        entity = self._lock(caller, id)
        require_match(request, self.version_of(entity))
        values = read_body(request, self.document, is_partial=True)
        if values:
            self.write(entity, values, caller)
        return self.respond(caller, id)

    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete one; new tokens are made without it."""
        caller = caller_of(request)
        entity = self._lock(caller, id)
        check_match(request, self.version_of(entity))
        changes.delete(entity, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _lock(self, caller: Caller, entity_id: UUID) -> ClaimRule | ClaimProfile:
        """Read an entity that nobody else writes before the transaction ends."""
        audit.lock_chain(caller.tenant.id)
        return type(self).find(caller.tenant.id, entity_id)


def _describe_list(
    one: str, document: type[Document[Any]], page: type[serializers.Serializer[Any]]
) -> Callable[[type[_ListView]], type[_ListView]]:
    """Describe the operations on a list."""
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"list_{one}s",
            parameters=[PageQueryDocument],
            responses=openapi.answers(200, page),
        ),
        post=extend_schema(
            operation_id=f"create_{one}",
            request=document,
            responses=openapi.answers(201, document, *openapi.BODY),
        ),
    )


def _describe_item(
    one: str, document: type[Document[Any]]
) -> Callable[[type[_ItemView]], type[_ItemView]]:
    """Describe the operations on one entity."""
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"read_{one}", responses=openapi.answers(200, document, 404)
        ),
        patch=extend_schema(
            operation_id=f"update_{one}",
            request=document,
            parameters=[openapi.IF_MATCH_REQUIRED],
            responses=openapi.answers(200, document, 404, 412, 428, *openapi.BODY),
        ),
        delete=extend_schema(
            operation_id=f"delete_{one}", responses=openapi.answers(204, None, 404, 412)
        ),
    )


@_describe_list("claim_rule", ClaimRuleDocument, ClaimRulePageDocument)
class ClaimRulesView(_ListView):
    """The claim rules of a tenant."""

    model = ClaimRule
    document = ClaimRuleDocument
    page = ClaimRulePageDocument
    find = managed_claims.get_claim_rule
    listing = managed_claims.list_claim_rules
    item = "api-claim-rule"


@_describe_item("claim_rule", ClaimRuleDocument)
class ClaimRuleView(_ItemView):
    """One claim rule."""

    model = ClaimRule
    document = ClaimRuleDocument
    find = managed_claims.get_claim_rule


@_describe_list("claim_profile", ClaimProfileDocument, ClaimProfilePageDocument)
class ClaimProfilesView(_ListView):
    """The claim profiles of a tenant."""

    model = ClaimProfile
    document = ClaimProfileDocument
    page = ClaimProfilePageDocument
    find = managed_claims.get_claim_profile
    listing = managed_claims.list_claim_profiles
    item = "api-claim-profile"


@_describe_item("claim_profile", ClaimProfileDocument)
class ClaimProfileView(_ItemView):
    """One claim profile."""

    model = ClaimProfile
    document = ClaimProfileDocument
    find = managed_claims.get_claim_profile
