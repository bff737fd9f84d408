"""What the lists and the items of entities share: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.response import Response

from tenants import audit
from tenants.api import openapi
from tenants.api.document import Document, read_body, read_query
from tenants.api.pages import read_cursor, write_cursor, write_link
from tenants.api.policy_document import describe_version
from tenants.api.preconditions import check_match, entity_tag, require_match
from tenants.api.user_document import PageQueryDocument
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import Tenant
from tenants.models.fields import validate_slug
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from django.db.models import Model
    from rest_framework import serializers
    from rest_framework.request import Request

    from tenants.api.caller import Caller
    from tenants.queries.managed import Managed

PAGE_PARAMETERS: Final = frozenset(("page_size", "cursor"))


class EntityView(TenantView):
    """What the views of a list and of one entity share."""

    document: ClassVar[type[Document[Any]]]
    managed: ClassVar[Managed[Any]]
    # What a program's use of the entity changes: it makes no other version of what people wrote.
    unversioned: ClassVar[frozenset[str]] = frozenset()

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Store what was sent, and answer what the answer to a creation shows this once."""
        raise NotImplementedError

    def version_of(self, entity: Model) -> str:
        """Write the version of what is stored."""
        document = self.document(entity).data
        return describe_version(
            {name: value for name, value in document.items() if name not in self.unversioned}
        )

    def respond(self, caller: Caller, entity_id: UUID) -> Response:
        """Answer one entity as it is stored, with its ETag."""
        entity = self.managed.get(caller.tenant.id, entity_id)
        headers = {"ETag": entity_tag(self.version_of(entity))}
        return Response(self.document(entity).data, headers=headers)


class ListView(EntityView):
    """The entities of one kind in a tenant."""

    # What else than the page it takes filters by the field of that name.
    query: ClassVar[type[Document[Any]]] = PageQueryDocument
    page: ClassVar[type[serializers.Serializer[Any]]]
    item: ClassVar[str]

    @staticmethod
    def validate_cursor(name: str) -> None:
        """Refuse what is no value of the field by which the list is ordered."""
        validate_slug(name)

    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List them in the order of their slugs, a page at a time."""
        asked = read_query(request, self.query)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], self.validate_cursor)
        wanted = {name: value for name, value in asked.items() if name not in PAGE_PARAMETERS}
        tenant_id = caller_of(request).tenant.id
        found = self.managed.page(tenant_id, after=after, limit=size + 1, **wanted)
        cursor = self._cursor_behind(found[size - 1]) if len(found) > size else None
        page = self.page({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create one; it holds everywhere within a second."""
        caller = caller_of(request)
        values = read_body(request, self.document)
        entity = self.managed.model(tenant=Tenant.objects.get(pk=caller.tenant.id))
        shown_once = self.write(entity, values, caller)
        answer = self.respond(caller, entity.pk)
        answer.data = {**answer.data, **shown_once}
        answer.status_code = status.HTTP_201_CREATED
        answer.headers["Location"] = reverse(self.item, kwargs={**path, "id": entity.pk})
        return answer

    def _cursor_behind(self, entity: Model) -> str:
        return write_cursor(str(getattr(entity, self.managed.order)))


class ItemView(EntityView):
    """One entity."""

    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read one and its ETag."""
        return self.respond(caller_of(request), id)

    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent, on the version that If-Match names."""
        caller = caller_of(request)
        entity = self.lock(caller, id)
        require_match(request, self.version_of(entity))
        values = read_body(request, self.document, is_partial=True)
        if values:
            self.write(entity, values, caller)
        return self.respond(caller, id)

    @in_console
    def delete(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Delete one; new tokens are made without it."""
        caller = caller_of(request)
        entity = self.lock(caller, id)
        check_match(request, self.version_of(entity))
        changes.delete(entity, actor=caller.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def lock(self, caller: Caller, entity_id: UUID) -> Model:
        """Read an entity that nobody else writes before the transaction ends."""
        audit.lock_chain(caller.tenant.id)
        found: Model = self.managed.get(caller.tenant.id, entity_id)
        return found


def describe_list(
    one: str,
    *,
    many: str = "",
    created: type[Document[Any]] | None = None,
    texts: tuple[str | None, str | None] = (None, None),
) -> Callable[[type[ListView]], type[ListView]]:
    """Describe the operations on a list; `texts` say what is special about each."""
    get_text, post_text = texts

    def describe(view: type[ListView]) -> type[ListView]:
        return extend_schema_view(
            get=extend_schema(
                operation_id=f"list_{many or f'{one}s'}",
                description=get_text,
                parameters=[view.query],
                responses=openapi.answers(200, view.page),
            ),
            post=extend_schema(
                operation_id=f"create_{one}",
                description=post_text,
                request=view.document,
                responses=openapi.answers(201, created or view.document, *openapi.BODY),
            ),
        )(view)

    return describe


def describe_item(
    one: str, *, texts: tuple[str | None, str | None, str | None] = (None, None, None)
) -> Callable[[type[ItemView]], type[ItemView]]:
    """Describe the operations on one entity; `texts` say what is special about each."""
    get_text, patch_text, delete_text = texts

    def describe(view: type[ItemView]) -> type[ItemView]:
        return extend_schema_view(
            get=extend_schema(
                operation_id=f"read_{one}",
                description=get_text,
                responses=openapi.answers(200, view.document, 404),
            ),
            patch=extend_schema(
                operation_id=f"update_{one}",
                description=patch_text,
                request=view.document,
                parameters=[openapi.IF_MATCH_REQUIRED],
                responses=openapi.answers(200, view.document, 404, 412, 428, *openapi.BODY),
            ),
            delete=extend_schema(
                operation_id=f"delete_{one}",
                description=delete_text,
                parameters=[openapi.IF_MATCH],
                responses=openapi.answers(204, None, 404, 409, 412),
            ),
        )(view)

    return describe
