"""Sends an end user a link to set a password: nobody else ever sets one, or knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from tenants.admin import permissions
from tenants.admin.requests import actor_of
from tenants.errors import InvalidEntity, NotFound
from tenants.models import Subject
from tenants.queries.operators import reach_of, scope
from tenants.queries.subject_credentials import has_password
from tokens.errors import ServiceUnavailable
from tokens.front_channel.email_links import send_password_link

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

KIND: Final = "password_link"


def may_see(request: HttpRequest) -> bool:
    """Say whether the operator may see anywhere how users sign in."""
    return permissions.is_allowed(reach_of(request), KIND, "view")


@never_cache
def show_password(request: HttpRequest, subject_id: UUID) -> HttpResponse:
    """Say whether a user has a password, and send them a link to set one."""
    subject = _require_subject(request, subject_id)
    may_send = permissions.is_allowed(reach_of(request), KIND, "add", subject.tenant_id)
    if request.method == "POST":
        if not may_send:
            raise PermissionDenied
        _send(request, subject)
        return HttpResponseRedirect(request.path)
    context = {
        **admin.site.each_context(request),
        "title": f"Password of {subject}",
        "subject": subject,
        "has_password": has_password(subject.tenant_id, subject.pk),
        "may_send": may_send,
    }
    return TemplateResponse(request, "console/password_link.html", context)


def _send(request: HttpRequest, subject: Subject) -> None:
    try:
        send_password_link(subject.tenant_id, subject, actor_of(request))
    except InvalidEntity as error:
        for text in [text for texts in error.messages.values() for text in texts]:
            messages.error(request, text)
    except (NotFound, ServiceUnavailable) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "A link to set a password is on its way; it works for a day.")


def _require_subject(request: HttpRequest, subject_id: UUID) -> Subject:
    if not may_see(request):
        raise PermissionDenied
    seen = permissions.tenants_for(reach_of(request), KIND, "view")
    rows = Subject.objects.filter(pk=subject_id).select_related("tenant")
    subject = scope(rows, seen, "tenant_id").first()
    if subject is None:
        raise Http404
    return subject
