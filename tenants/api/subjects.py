"""Subjects, the end users of a tenant: list, create, read, update, erase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final
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
from tenants.api.preconditions import entity_tag, require_match
from tenants.api.user_document import (
    ErasureDocument,
    ErasureRequestDocument,
    SubjectDocument,
    SubjectPageDocument,
    SubjectQueryDocument,
    validate_id,
)
from tenants.api.view import TenantView, caller_of, in_console
from tenants.models import Subject, Tenant
from tenants.queries.managed_users import SUBJECTS, ManagedSubjectFilter, list_subjects
from tenants.services.erasure import erase_subject
from tenants.services.subjects import save_subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:users:read",
    "write": "management:users:write",
}


class SubjectsView(TenantView):
    """The subjects of a tenant."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="list_subjects",
        parameters=[SubjectQueryDocument],
        responses=openapi.answers(200, SubjectPageDocument),
    )
    @in_console
    def get(self, request: Request, **_path: str) -> Response:
        """List subjects in the order of their ids, a page at a time."""
        asked = read_query(request, SubjectQueryDocument)
        size, after = int(asked["page_size"]), read_cursor(asked["cursor"], validate_id)
        wanted = ManagedSubjectFilter(asked["external_id"], asked["email"], asked.get("is_enabled"))
        found = list_subjects(
            caller_of(request).tenant.id,
            wanted,
            after=UUID(after) if after else None,
            limit=size + 1,
        )
        cursor = write_cursor(str(found[size - 1].pk)) if len(found) > size else None
        page = SubjectPageDocument({"items": found[:size], "next_cursor": cursor})
        headers = {"Link": write_link(request, asked, cursor)} if cursor else {}
        return Response(page.data, headers=headers)

    @extend_schema(
        operation_id="create_subject",
        request=SubjectDocument,
        responses=openapi.answers(201, SubjectDocument, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **path: str) -> Response:
        """Create a subject."""
        caller = caller_of(request)
        values = read_body(request, SubjectDocument)
        subject = Subject(tenant=Tenant.objects.get(pk=caller.tenant.id))
        _write(subject, values, caller)
        answer = _answer(caller, subject.pk, status.HTTP_201_CREATED)
        answer.headers["Location"] = reverse("api-subject", kwargs={**path, "id": subject.pk})
        return answer


class SubjectView(TenantView):
    """One subject."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="read_subject", responses=openapi.answers(200, SubjectDocument, 404)
    )
    @in_console
    def get(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Read a subject and its ETag."""
        return _answer(caller_of(request), id)

    @extend_schema(
        operation_id="update_subject",
        request=SubjectDocument,
        parameters=[openapi.IF_MATCH_REQUIRED],
        responses=openapi.answers(200, SubjectDocument, 404, 412, 428, *openapi.BODY),
    )
    @in_console
    def patch(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """Change the members that are sent; disabling a subject ends its sessions and tokens."""
        caller = caller_of(request)
        audit.lock_chain(caller.tenant.id)
        subject = SUBJECTS.get(caller.tenant.id, id)
        require_match(request, describe_version(SubjectDocument(subject).data))
        values = read_body(request, SubjectDocument, is_partial=True)
        if values:
            _write(subject, values, caller)
        return _answer(caller, id)


class SubjectErasureView(TenantView):
    """The erasure of one subject."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    @extend_schema(
        operation_id="erase_subject",
        request=ErasureRequestDocument,
        responses=openapi.answers(200, ErasureDocument, 404, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, id: UUID, **_path: str) -> Response:  # noqa: A002 - its name.
        """End a subject's tokens and remove what is personal, for good; answer the proof."""
        caller = caller_of(request)
        values = read_body(request, ErasureRequestDocument)
        subject = SUBJECTS.get(caller.tenant.id, id)
        report = erase_subject(subject, actor=caller.actor, reason=values.get("reason", ""))
        return Response(ErasureDocument(report.describe()).data)


def _write(subject: Subject, values: Mapping[str, Any], caller: Caller) -> None:
    for name, value in values.items():
        setattr(subject, name, value)
    save_subject(subject, actor=caller.actor)


def _answer(caller: Caller, subject_id: UUID, code: int = status.HTTP_200_OK) -> Response:
    document = SubjectDocument(SUBJECTS.get(caller.tenant.id, subject_id)).data
    headers = {"ETag": entity_tag(describe_version(document))}
    return Response(document, status=code, headers=headers)
